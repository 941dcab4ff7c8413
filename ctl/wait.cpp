#include <algorithm>
#include <thread>

#include "config/units.h"
#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool runs(const Value& sync) {
  return sync.is_object() && !sync.get_bool("ended");
}

// How the last sync ended, and what was put back since: a heal changes nothing of that end.
void print_end(const Session& session, const std::string& name, const Value& answer) {
  const auto* sync = answer.find("last_sync");
  const auto state = sync == nullptr ? std::string() : text_of(*sync, "state");
  session.line(safe(name) + ": " + (state.empty() ? "never synced" : safe(state)));
  if (const auto error = text_of(*answer.find("application"), "error"); !error.empty())
    session.line(session.terminal.paint(Colour::red, safe(error, true)));
  const auto* heals = answer.find("heals");
  if (heals == nullptr || !heals->is_object()) return;
  if (const auto healed = put_back(*heals, system_clock().wall()); !healed.empty())
    session.line("drift put back: " + safe(healed));
}

// Until nothing of it is queued or running; the last sync's outcome counts.
Exit wait_for_application(const Session& session, const std::string& name, Deadline until) {
  const auto path = "/v1/applications/" + percent_encoded(name);
  for (;;) {
    const auto answer = session.client.get(path);
    const Value& application = *answer.find("application");
    const auto* sync = answer.find("last_sync");
    if (sync != nullptr && runs(*sync)) {
      follow(session, "sync:" + number_of(*sync, "id"), WhenHeld::wait, until);
      if (Monotonic::now() >= until) return Exit::failed;
    } else if (text_of(application, "phase") == "idle") {
      if (session.json) session.print_json(answer);
      if (!session.json) print_end(session, name, answer);
      const auto state = sync == nullptr ? "" : text_of(*sync, "state");
      return state == "succeeded" && text_of(application, "error").empty() ? Exit::ok : Exit::failed;
    }
    if (Monotonic::now() >= until) {
      if (!session.json) session.line(safe(name) + ": not ended in time, it goes on");
      return Exit::failed;
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

Exit wait(const Session& session, const WaitOptions& options) {
  auto until = Deadline::max();
  if (!options.timeout.empty()) {
    try {
      until = Monotonic::now() + config::parse_duration(options.timeout);
    } catch (const Failure&) {
      throw UsageError("--timeout takes a duration such as 30s or 5m");
    }
  }
  if (!is_number(options.what)) return wait_for_application(session, options.what, until);
  const Exit exit = follow(session, "event:" + options.what, WhenHeld::wait, until);
  if (session.json) session.print_json(session.client.get("/v1/events/" + options.what));
  return exit;
}

}  // namespace gitopsd::ctl
