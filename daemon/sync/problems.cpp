#include "daemon/sync/problems.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "base/grouped.h"

namespace gitopsd::sync {
namespace {

constexpr std::size_t kShown = 20;
/// Fewer are told one by one; and up to twenty of what somebody has to write otherwise, each at its place.
constexpr std::size_t kMany = 4;
constexpr std::size_t kNamed = 3;
/// Of a list that tells all: a hostile commit has no end.
constexpr std::size_t kMost = 5000;

/// "cannot read ConfigMap/web/a: it is busy" is "it is busy" of ConfigMap/web/a; "Pod/web/p is Degraded: no
/// node" is "is Degraded: no node" of Pod/web/p.
struct Parted {
  std::string what;  ///< the same for all that it is the matter with
  std::string name;  ///< of a resource, or empty
};

/// The last word that has a slash, as ids have one.
std::string_view id_in(std::string_view text) {
  const auto slash = text.rfind('/');
  if (slash == text.npos) return {};
  const auto space = text.rfind(' ', slash);
  const auto begin = space == text.npos ? 0 : space + 1;
  return text.substr(begin, text.find(' ', slash) - begin);
}

Parted part(const Problem& problem) {
  std::string_view rest = problem.message;
  const auto colon = rest.find(": ");
  if (colon == rest.npos) return {problem.message, {}};
  const std::string_view head = rest.substr(0, colon), id = id_in(head);
  if (id.empty()) return {problem.message, {}};
  std::string what;
  if (head.starts_with(id) && head.size() > id.size()) what = std::string(head.substr(id.size() + 1)) + ": ";
  rest.remove_prefix(colon + 2);
  // Whoever adds the id does not know that it stands there already.
  for (auto end = rest.find(": "); end != rest.npos && id_in(rest.substr(0, end)) == id;
       end = rest.find(": "))
    rest.remove_prefix(end + 2);
  return {what.append(rest), std::string(id)};
}

bool to_be_written(const Problem& problem) {
  return problem.cause == ProblemCause::input && !problem.file.empty();
}

/// Where a person has to write something the place is worth more than the name.
std::string name_of(const Problem& problem, const std::string& id) {
  if (!to_be_written(problem)) return id;
  Problem place = problem;
  place.message = id;
  place.hint.clear();
  const std::string text = place.str();
  return id.empty() ? text.substr(0, text.size() - 2) : text;
}

struct Group {
  std::string what, hint;
  std::vector<const Problem*> problems;
  std::vector<std::string> names;
};

std::string line_of(const Group& group) {
  const std::string count = group.what + " (" + grouped(group.problems.size());
  const std::string hint = group.hint.empty() ? "" : " (" + group.hint + ")";
  const bool named = !group.names.front().empty();
  if (!named && !to_be_written(*group.problems.front())) return count + " times)" + hint;
  std::string text = count + (named ? " resources: " : " places: ");
  for (std::size_t i = 0; i < kNamed; ++i)
    text += (i > 0 ? ", " : "") + name_of(*group.problems[i], group.names[i]);
  text += " and " + grouped(group.problems.size() - kNamed) + " more)";
  return text + hint;
}

}  // namespace

std::vector<Problem> problems_of(const std::vector<Refused>& refused) {
  std::vector<Problem> problems;
  problems.reserve(refused.size());
  for (const auto& one : refused) problems.push_back(one.problem);
  return problems;
}

bool may_be_left_out(const std::vector<Problem>& problems) {
  std::vector<Problem> passing;
  for (const auto& problem : problems) {
    if (problem.cause == ProblemCause::internal) return false;
    if (problem.cause == ProblemCause::transient) passing.push_back(problem);
  }
  if (!passing.empty()) throw Failure(std::move(passing));
  return true;
}

std::vector<std::string> told_once(const std::vector<Problem>& problems) {
  std::vector<Group> groups;
  std::map<std::tuple<std::string, std::string, bool, bool>, std::size_t> known;
  for (const auto& problem : problems) {
    auto [what, name] = part(problem);
    const auto [it, fresh] =
        known.try_emplace({what, problem.hint, to_be_written(problem), name.empty()}, groups.size());
    if (fresh) groups.push_back({std::move(what), problem.hint, {}, {}});
    Group& group = groups[it->second];
    group.problems.push_back(&problem);
    group.names.push_back(std::move(name));
  }
  std::vector<std::string> lines;
  for (const auto& group : groups) {
    if (group.problems.size() >= (to_be_written(*group.problems.front()) ? kShown + 1 : kMany)) {
      lines.push_back(line_of(group));
      continue;
    }
    for (const auto* problem : group.problems) lines.push_back(problem->str());
  }
  return lines;
}

std::vector<std::string> told_in_full(const std::vector<Problem>& problems) {
  std::vector<std::string> lines;
  for (const auto& problem : problems) {
    if (lines.size() == kMost) {
      lines.push_back("... and " + grouped(problems.size() - kMost) + " more");
      break;
    }
    lines.push_back(problem.str());
  }
  return lines;
}

std::vector<std::string> left_out_lines(std::vector<std::string> lines,
                                        const std::vector<ResourceId>& put_off, bool in_full) {
  if (put_off.empty()) return lines;
  const std::size_t named = std::min(put_off.size(), in_full ? kMost : kNamed);
  std::string stay = "no longer declared, and not deleted before all is valid: ";
  for (std::size_t i = 0; i < named; ++i) stay += (i > 0 ? ", " : "") + put_off[i].str();
  if (put_off.size() > named) stay += " and " + grouped(put_off.size() - named) + " more";
  lines.push_back(std::move(stay));
  return lines;
}

bool is_whole(std::string_view text, const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines) all += (all.empty() ? "" : "\n") + line;
  return text == all;
}

std::string first_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), kShown); ++i)
    text += (text.empty() ? "" : "\n") + lines[i];
  if (lines.size() > kShown) text += "\n... and " + std::to_string(lines.size() - kShown) + " more";
  return text;
}

std::string describe(const std::vector<Problem>& problems) {
  return first_lines(told_once(problems));
}

}  // namespace gitopsd::sync
