#include "base/problem.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace gitopsd {
namespace {

constexpr std::string_view kCauses[] = {"input",     "permission",  "conflict",
                                        "transient", "destination", "internal"};

std::string join(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& p : problems) text += (text.empty() ? "" : "\n") + p.str();
  return text;
}

/// At least one; those of a file together, as one finds them when reading it.
std::vector<Problem> in_reading_order(std::vector<Problem> problems) {
  if (problems.empty())
    problems.push_back({ProblemCause::internal, "a failure without a problem", {}, {}, {}});
  std::map<std::string, std::size_t> files;
  for (const auto& problem : problems) files.emplace(problem.file, files.size());
  std::stable_sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) {
    return std::pair(files[a.file], a.position) < std::pair(files[b.file], b.position);
  });
  return problems;
}

/// Letters that were left out, put in, mistaken or swapped with their neighbour, each counted once.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view to_string(ProblemCause cause) {
  return kCauses[static_cast<int>(cause)];
}

ProblemCause problem_cause(std::string_view word) {
  const auto* it = std::find(std::begin(kCauses), std::end(kCauses), word);
  return it == std::end(kCauses) ? ProblemCause::internal
                                 : static_cast<ProblemCause>(it - std::begin(kCauses));
}

std::string Problem::str() const {
  std::string text = file;
  if (position.line > 0) {
    text += (text.empty() ? "line " : ":") + std::to_string(position.line);
    if (position.column > 0) text += ":" + std::to_string(position.column);
  }
  if (!text.empty()) text += ": ";
  text += message;
  if (!hint.empty()) text += " (" + hint + ")";
  return text;
}

Failure::Failure(Problem problem) : Failure(std::vector<Problem>{std::move(problem)}) {}

Failure::Failure(std::vector<Problem> problems)
    : std::runtime_error(join(in_reading_order(problems))),
      problems_(in_reading_order(std::move(problems))) {}

ProblemCause Failure::cause() const {
  for (const auto& p : problems_) {
    if (p.cause != ProblemCause::transient) return p.cause;
  }
  return ProblemCause::transient;
}

Failure fail(ProblemCause cause, std::string message, std::string hint) {
  return Failure(Problem{cause, std::move(message), std::move(hint), {}, {}});
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongest = 64;  // the distance costs the product of the lengths
  if (word.empty() || word.size() > kLongest) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& c : candidates) {
    if (c.size() > kLongest) continue;
    const std::size_t d = edit_distance(word, c);
    if (d < best_distance) {
      best_distance = d;
      best = c;
    }
  }
  return best;
}

}  // namespace gitopsd
