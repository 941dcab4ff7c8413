#include <algorithm>

#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

Exit worse(Exit a, Exit b) {
  return static_cast<Exit>(std::max(static_cast<int>(a), static_cast<int>(b)));
}

Exit replay_these(const Session& session, const ReplayOptions& options) {
  Exit exit = Exit::ok;
  std::vector<std::int64_t> started;
  for (const auto& event : options.events) {
    const auto answer = session.client.post("/v1/events/" + percent_encoded(event) + "/replay");
    started.push_back(answer.get_int("event"));
  }
  for (const auto event : started) exit = worse(exit, follow_event(session, event, options.wait));
  return exit;
}

Exit replay_failed(const Session& session, const ReplayOptions& options) {
  Value body = Value::object({{"failed", true}});
  if (!options.since.empty()) body.set("since", since(options.since, system_clock().wall()));
  if (!options.repository.empty()) body.set("repository", options.repository);
  const auto answer = session.client.post("/v1/replay", body);
  const auto& replayed = answer.get_array("replayed");
  if (session.json) {
    session.print_json(answer);
  } else {
    for (const auto& one : replayed) {
      session.line("event " + number_of(one, "event") + " replays " + number_of(one, "failed"));
    }
    for (const auto& one : answer.get_array("refused")) {
      session.line("event " + number_of(one, "failed") +
                   " is not replayed: " + lines_below(text_of(one, "message")));
    }
    if (replayed.empty()) session.line("nothing failed that could be replayed");
    if (answer.get_bool("more")) session.line("there are more: say it again when these have ended");
  }
  Exit exit = answer.get_array("refused").empty() ? Exit::ok : Exit::failed;
  if (!options.wait) return exit;
  for (const auto& one : replayed) {
    exit = worse(exit, follow(session, "event:" + number_of(one, "event"), WhenHeld::stop));
  }
  return exit;
}

}  // namespace

Exit replay(const Session& session, const ReplayOptions& options) {
  if (options.failed != options.events.empty()) {
    throw UsageError("replay takes numbers of events, or --failed");
  }
  if (!options.failed && !(options.since.empty() && options.repository.empty())) {
    throw UsageError("--since and --repository go with --failed");
  }
  return options.failed ? replay_failed(session, options) : replay_these(session, options);
}

}  // namespace gitopsd::ctl
