#include "daemon/render/mention.h"

#include <charconv>

#include "daemon/render/repository_path.h"

namespace gitopsd::render {
namespace {

constexpr std::size_t kWords = 500;  // of an error; each is looked up
constexpr std::string_view kBetween = " \t\r\n'\"`()[]{},;<>=";

/// Takes `:NUMBER` off the front of a text; 0 where there is none.
int take_number(std::string_view& text) {
  int number = 0;
  if (!text.starts_with(':')) return 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (error != std::errc()) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool is_readable_file(const source::Snapshot& snapshot, const std::string& path) {
  if (path.empty() || path_from("", path) != path) return false;
  const auto entry = snapshot.entry(path);
  return entry && (entry->kind == source::EntryKind::file || entry->kind == source::EntryKind::executable);
}

std::optional<Mention> look_up(const source::Snapshot& snapshot, const std::vector<std::string>& folders,
                               std::string_view word) {
  const auto colon = word.find(':');
  std::string_view numbers = colon == word.npos ? std::string_view() : word.substr(colon);
  const std::string path(word.substr(0, colon));
  const auto slash = path.find('/');
  std::vector<std::string> candidates = {path};
  for (const auto& folder : folders) {
    candidates.push_back(join_path(folder, path));
    if (slash != path.npos) candidates.push_back(join_path(folder, path.substr(slash + 1)));
  }
  for (const auto& candidate : candidates) {
    if (!is_readable_file(snapshot, candidate)) continue;
    Mention mention{candidate, {}};
    mention.position.line = take_number(numbers);
    mention.position.column = take_number(numbers);
    return mention;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Mention> mentioned_file(const source::Snapshot& snapshot,
                                      const std::vector<std::string>& folders, std::string_view text) {
  for (std::size_t words = 0; !text.empty() && words < kWords; ++words) {
    const auto begin = text.find_first_not_of(kBetween);
    if (begin == text.npos) break;
    const auto end = std::min(text.find_first_of(kBetween, begin), text.size());
    if (auto found = look_up(snapshot, folders, text.substr(begin, end - begin))) return found;
    text.remove_prefix(end);
  }
  return std::nullopt;
}

std::string without_values(std::string_view text) {
  const auto map = text.find("map[");
  if (map == text.npos) return std::string(text);
  // To the last bracket of all: one inside of a text would end the map too early, and show what stands behind
  // it.
  const auto last = text.find_last_of("]}");
  const auto rest = last == text.npos || last < map ? std::string_view() : text.substr(last + 1);
  return std::string(text.substr(0, map)) + "(values left out)" + std::string(rest);
}

}  // namespace gitopsd::render
