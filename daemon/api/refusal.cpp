#include "daemon/api/refusal.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/problems.h"

namespace gitopsd::api {
namespace {

constexpr std::size_t kMostProblems = 5000;

unsigned http_status(ProblemCause cause) {
  switch (cause) {
    case ProblemCause::input:
      return 400;
    case ProblemCause::permission:
      return 403;
    case ProblemCause::conflict:
      return 409;
    case ProblemCause::transient:
    case ProblemCause::destination:
      return 503;
    case ProblemCause::internal:
      return 500;
  }
  return 500;
}

Reply render(unsigned status, ProblemCause cause, const std::vector<Problem>& problems) {
  Value lines = Value::array(), summary = Value::array();
  for (std::size_t i = 0; i < std::min(problems.size(), kMostProblems); ++i) lines.push(problems[i].str());
  for (const auto& line : sync::told_once(problems)) {
    if (summary.as_array().size() == kMostProblems) break;
    summary.push(line);
  }
  const Problem& first = problems.front();
  // A place belongs to the message; the hint has its own field.
  Problem placed = first;
  placed.hint.clear();
  Value error = Value::object({{"message", placed.str()},
                               {"hint", first.hint.empty() ? Value() : Value(first.hint)},
                               {"cause", to_string(cause)},
                               {"problems", std::move(lines)},
                               {"summary", std::move(summary)}});
  return json_reply(status, Value::object({{"error", std::move(error)}}));
}

}  // namespace

Refusal::Refusal(unsigned status, ProblemCause cause, std::string message, std::string hint)
    : Failure(Problem{cause, std::move(message), std::move(hint), {}, {}}), status_(status) {}

Refusal bad_request(std::string message, std::string hint) {
  return {400, ProblemCause::input, std::move(message), std::move(hint)};
}

Refusal not_found(std::string message, std::string hint) {
  return {404, ProblemCause::input, std::move(message), std::move(hint)};
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string near = did_you_mean(word, candidates);
  return near.empty() ? "" : "did you mean '" + near + "'?";
}

Reply error_reply(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Refusal& refusal) {
    return render(refusal.status(), refusal.cause(), refusal.problems());
  } catch (const Failure& failure) {
    // What a commit's files have wrong is no fault of the request.
    const bool of_files = failure.cause() == ProblemCause::input && !failure.problems().front().file.empty();
    return render(of_files ? 422 : http_status(failure.cause()), failure.cause(), failure.problems());
  } catch (const std::exception& fault) {
    log::error("a call of the operator's API failed", {{"error", fault.what()}});
  }
  const Problem internal{ProblemCause::internal,
                         "the daemon could not answer this call",
                         "its log says why: journalctl -u gitopsd",
                         {},
                         {}};
  return render(500, internal.cause, {internal});
}

Reply json_reply(unsigned status, const Value& body) {
  Reply reply;
  reply.status = status;
  reply.body = to_json(body);
  reply.body += '\n';
  return reply;
}

}  // namespace gitopsd::api
