// Errors: each names the thing, the place and the way out, and says who can do something about it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace gitopsd {

/// Who has to act, which decides what happens next: only `transient` is tried again by itself.
enum class ProblemCause { input, permission, conflict, transient, destination, internal };
std::string_view to_string(ProblemCause);
/// An unknown word is `internal`.
ProblemCause problem_cause(std::string_view);

/// A place in a text; lines and columns count from 1, 0 means "not known".
struct Position {
  int line = 0;
  int column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Problem {
  ProblemCause cause = ProblemCause::internal;
  std::string message;  ///< what is wrong with which thing
  std::string hint;     ///< the way out, or empty
  std::string file;     ///< where, or empty
  Position position;

  /// `FILE:LINE:COLUMN: MESSAGE (HINT)` without the parts that are missing.
  std::string str() const;
};

/// Thrown where nobody nearby can act. Holds all problems that were found, at least one, those of a file
/// together and by their lines.
class Failure : public std::runtime_error {
 public:
  explicit Failure(Problem problem);
  explicit Failure(std::vector<Problem> problems);
  const std::vector<Problem>& problems() const { return problems_; }
  /// Transient only if every problem is; else the first that is not.
  ProblemCause cause() const;

 private:
  std::vector<Problem> problems_;
};

/// `throw fail(cause, message, hint)`, for the common case of one problem without a file.
Failure fail(ProblemCause cause, std::string message, std::string hint = {});

/// The candidate closest to `word` by edit distance, or empty when none is near enough to be meant.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace gitopsd
