#include "ctl/follow.h"

#include <optional>
#include <thread>

#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

bool ended(std::string_view state) {
  return state == "succeeded" || state == "failed" || state == "superseded" || state == "ignored" ||
         state == "cancelled";
}

// "08:15:30.123  web  applying  text"
std::string progress_text(const Session& session, const Value& line) {
  const auto when = text_of(line, "when");
  const auto whose =
      text_of(line, "application").empty() ? text_of(line, "repository") : text_of(line, "application");
  const auto stage = word_of(line, "stage");
  std::string out = session.terminal.paint(Colour::dim, safe(when.size() >= 23 ? when.substr(11, 12) : when));
  for (const auto& part : {whose, stage.text, text_of(line, "text")}) {
    if (!part.empty()) out += "  " + lines_below(part);
  }
  return out;
}

std::string state_text(const Session& session, const Value& line, const std::string& what) {
  const auto state = text_of(line, "state");
  auto name = what;
  name[name.find(':')] = ' ';
  std::string out = name + ": " + session.terminal.paint(colour_of(state), safe(state));
  if (const auto reason = text_of(line, "reason"); !reason.empty()) out += ", " + lines_below(reason);
  if (const auto error = text_of(line, "error"); !error.empty()) {
    out += "\n" + session.terminal.paint(Colour::red, safe(error, true));
  }
  return out;
}

}  // namespace

Exit follow(const Session& session, const std::string& what, WhenHeld when_held, Deadline until) {
  std::string state;
  std::optional<std::string> approved;  // why it was held when it was approved
  // Whether the state that has just been told is one to leave it in.
  const auto leaves = [&](const Value& line) {
    if (state != "held" || when_held == WhenHeld::wait) return ended(state);
    if (when_held == WhenHeld::stop) return true;
    const auto reason = text_of(line, "reason");
    if (!approved) approved = reason;
    return reason != *approved;
  };
  const auto show = [&](const std::string& text) {
    if (!session.json) session.line(text);
  };
  const bool in_time = session.client.lines(
      target("/v1/progress", {{"until", what}}),
      [&](const Value& line) {
        const auto stage = text_of(line, "stage");
        if (stage == "heartbeat") return true;
        if (stage == "dropped") return show("(" + safe(text_of(line, "text")) + ")"), true;
        if (stage != "state") return show(progress_text(session, line)), true;
        state = text_of(line, "state");
        const bool over = leaves(line);
        if (state != "held") approved.emplace();  // whatever holds it from now on is new
        if (over || (state == "held" && when_held == WhenHeld::wait)) show(state_text(session, line, what));
        return !over;
      },
      until);
  if (!in_time) {
    show("not ended in time, it goes on");
    return Exit::failed;
  }
  if (state == "succeeded") return Exit::ok;
  if (state == "held" || ended(state)) return Exit::failed;
  throw Unreachable("the daemon stopped before the end; it goes on from there when it starts again");
}

Exit follow_approved(const Session& session, const std::string& application, std::string& sync) {
  Exit exit = follow(session, "sync:" + sync, WhenHeld::stop_when_again);
  const auto failed = [&] {
    return text_of(*session.client.get("/v1/syncs/" + sync).find("sync"), "state") == "failed";
  };
  while (exit == Exit::failed && failed()) {
    std::string next;
    const auto goes_on = [&] {
      const auto answer = session.client.get("/v1/applications/" + percent_encoded(application));
      const auto phase = text_of(*answer.find("application"), "phase");
      const auto* last = answer.find("last_sync");
      if (last != nullptr && last->is_object() && number_of(*last, "id") != sync)
        next = number_of(*last, "id");
      return next.empty() && phase != "idle";
    };
    while (goes_on()) std::this_thread::sleep_for(kPause);
    if (next.empty()) return exit;
    sync = next;
    exit = follow(session, "sync:" + sync, WhenHeld::stop);
  }
  return exit;
}

Exit follow_event(const Session& session, std::int64_t event, bool wait) {
  const auto id = std::to_string(event);
  if (!session.json) session.line("event " + id);
  const Exit exit = wait ? follow(session, "event:" + id, WhenHeld::stop) : Exit::ok;
  if (session.json) session.print_json(session.client.get("/v1/events/" + id));
  return exit;
}

}  // namespace gitopsd::ctl
