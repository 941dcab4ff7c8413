#include "config/reader.h"

#include <algorithm>

#include "base/file.h"
#include "config/quote.h"

namespace gitopsd::config {
namespace {

std::string_view noun(Namespace space) {
  switch (space) {
    case Namespace::hook:
      return "hook";
    case Namespace::repository:
      return "repository";
    case Namespace::destination:
      return "destination";
    case Namespace::application:
      return "application";
    case Namespace::application_uid:
      return "uid";
  }
  return "name";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates,
                       std::string_view otherwise) {
  const auto meant = did_you_mean(word, candidates);
  if (!meant.empty()) return "did you mean " + in_quotes(meant) + "?";
  if (candidates.empty()) return {};
  return std::string(otherwise) + joined(candidates);
}

std::string with_article(std::string_view type) {
  if (type == "null") return "no value";
  const bool vowel = type.front() == 'a' || type.front() == 'i' || type.front() == 'o';
  return (vowel ? "an " : "a ") + std::string(type);
}

// yaml-cpp counts columns in bytes, and so do all positions here.
std::size_t offset_of(std::string_view text, Position at) {
  std::size_t offset = 0;
  for (int line = 1; line < at.line; ++line) {
    const auto end = text.find('\n', offset);
    if (end == text.npos) return text.size();
    offset = end + 1;
  }
  return std::min(text.size(), offset + static_cast<std::size_t>(std::max(at.column, 1) - 1));
}

Position position_of(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return {1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          1 + static_cast<int>(offset - line_start)};
}

/// Of a value whose type is wrong, and which would be so in quotes.
std::string way_out(const Value& value, const Shape& shape) {
  if (!shape.words.empty()) return "one of " + joined(shape.words);
  if (!shape.unit.empty() && value.is_int() && value.as_int() >= 0)
    return "such as " + std::to_string(value.as_int()) + shape.unit;
  return {};
}

}  // namespace

std::string Place::str() const {
  return file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

void Reader::begin_file(std::string_view file, std::string_view text) {
  file_ = file;
  files_read_.emplace_back(file);
  text_ = text;
}

void Reader::problem(Position position, std::string_view message, std::string hint) {
  const auto where = path();
  problem(place(position), (where.empty() ? "" : where + ": ") + std::string(message), std::move(hint));
}

void Reader::problem(const Place& place, std::string_view message, std::string hint) {
  problems_.push_back(
      {ProblemCause::input, std::string(message), std::move(hint), place.file, place.position});
}

void Reader::add(const Failure& failure, Position position) {
  for (const auto& found : failure.problems()) {
    if (found.file.empty()) {
      problem(position, found.message, found.hint);
    } else {
      problems_.push_back(found);
    }
  }
}

bool Reader::fits(const Value& value, const Shape& shape, bool quoted) {
  const bool typed = shape.is(value.type_name()) || (value.is_uint() && shape.is("integer")) ||
                     (value.is_int() && shape.is("number"));
  if (!typed) {
    problem(value.position, "expected " + shape.says + ", found " + with_article(value.type_name()),
            quoted ? "put it in quotes if it is meant as text" : way_out(value, shape));
    return false;
  }
  if (!shape.words.empty()) {
    const auto& word = value.as_string();
    if (std::find(shape.words.begin(), shape.words.end(), word) == shape.words.end()) {
      problem(value.position, "expected " + shape.says + ", found " + in_quotes(word),
              suggestion(word, shape.words, "one of "));
      return false;
    }
  }
  const auto number = value.is_int() ? value.as_int() : 0;
  if (value.is_uint() || (shape.minimum && number < *shape.minimum) ||
      (shape.maximum && number > *shape.maximum)) {
    problem(value.position, "expected " + shape.says);
    return false;
  }
  return true;
}

void Reader::unknown_key(const std::string& key, const Value& member, const std::vector<Member>& members) {
  std::vector<std::string> keys;
  keys.reserve(members.size());
  for (const auto& known : members) keys.push_back(known.key);
  problem(key_position(key, member.position), "unknown key " + in_quotes(key),
          suggestion(key, keys, "the keys here are "));
}

bool Reader::set_once(Position position) {
  const auto [entry, first] = set_.emplace(path(), place(position));
  if (!first) problem(position, "already set at " + entry->second.str(), "set it in one place only");
  return first;
}

void Reader::note_section(Position position) {
  sections_.emplace(path(), place(position));
}

Place Reader::first_place(std::string_view section) const {
  const auto found = sections_.find(section);
  if (found != sections_.end()) return found->second;
  return {files_read_.empty() ? "" : files_read_.front(), {1, 1}};
}

Reader::Scope::Scope(Reader& reader, std::string key) : reader_(reader) {
  reader_.path_.push_back(std::move(key));
}

Reader::Scope::Scope(Reader& reader, std::size_t index) : Scope(reader, "[" + std::to_string(index) + "]") {}

std::string Reader::path() const {
  std::string out;
  for (const auto& part : path_) out += (out.empty() || part.front() == '[' ? "" : ".") + part;
  return out;
}

void Reader::declare(Namespace space, const std::string& name, Position position) {
  const auto [entry, first] = names_.emplace(std::pair(space, name), place(position));
  if (first) return;
  problem(position, "duplicate " + std::string(noun(space)) + " " + in_quotes(name),
          "the first is at " + entry->second.str());
}

void Reader::refer(Namespace space, const std::string& name, Position position) {
  references_.push_back({space, name, place(position), path()});
}

void Reader::check_references() {
  for (const auto& [space, name, place, path] : references_) {
    if (names_.contains({space, name})) continue;
    std::vector<std::string> known;
    for (const auto& entry : names_) {
      if (entry.first.first == space) known.push_back(entry.first.second);
    }
    if (known.size() > 10) known.resize(10);
    problem(place, path + ": there is no " + std::string(noun(space)) + " " + in_quotes(name),
            suggestion(name, known, "known are "));
  }
}

void Reader::name_secret(const SecretRef& secret, std::size_t least_bytes, Position position) {
  secrets_.push_back({secret, least_bytes, place(position), path()});
}

void Reader::name_file(const std::string& file, Position position) {
  files_.push_back({file, place(position), path()});
}

void Reader::name_user(const std::string& name, Position position) {
  users_.push_back({name, place(position), path()});
}

void Reader::check_secrets_and_files() {
  for (const auto& named : secrets_) {
    try {
      const auto size = named.secret.resolve().size();
      if (size >= named.least_bytes) continue;
      problem(
          named.place,
          named.path + ": the secret in " + named.secret.str() +
              (size == 0 ? " is empty" : " is shorter than " + std::to_string(named.least_bytes) + " bytes"),
          "make one with: openssl rand -hex 32");
    } catch (const Failure& failure) {
      const auto& first = failure.problems().front();
      problem(named.place, named.path + ": " + first.message, first.hint);
    }
  }
  for (const auto& named : files_) {
    try {
      read_file(named.file, 4u << 20);
    } catch (const Failure& failure) {
      const auto& first = failure.problems().front();
      problem(named.place, named.path + ": " + first.message, first.hint);
    }
  }
}

std::vector<Problem> Reader::problems() const {
  auto sorted = problems_;
  const auto rank = [this](const Problem& problem) {
    const auto file = std::find(files_read_.begin(), files_read_.end(), problem.file);
    return std::pair(file, problem.position);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  return sorted;
}

// A Value knows where it begins, not where its key does: the key is the nearest one of that spelling before
// it.
Position Reader::key_position(const std::string& key, Position value) const {
  if (key.empty()) return value;
  auto from = offset_of(text_, value);
  while (from > 0) {
    const auto found = text_.rfind(key, from - 1);
    if (found == text_.npos) break;
    auto end = found + key.size();
    if (end < text_.size() && (text_[end] == '"' || text_[end] == '\'')) ++end;
    while (end < text_.size() && (text_[end] == ' ' || text_[end] == '\t')) ++end;
    const bool starts = found == 0 || std::string_view(" \t\n\r{,\"'?").find(text_[found - 1]) != text_.npos;
    if (starts && end < text_.size() && text_[end] == ':') return position_of(text_, found);
    from = found;
  }
  return value;
}

}  // namespace gitopsd::config
