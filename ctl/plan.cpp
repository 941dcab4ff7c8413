#include "ctl/commands.h"
#include "ctl/format.h"
#include "ctl/steps.h"

namespace gitopsd::ctl {
namespace {

constexpr std::chrono::minutes kPatience{15};

std::string summary_text(const Value& summary) {
  std::string out;
  for (const auto* action : {"create", "update", "replace", "delete", "adopt", "run", "release"}) {
    const auto count = number_of(summary, action);
    if (count.empty() || count == "0") continue;
    out += (out.empty() ? "" : ", ") + count + " to " + action;
  }
  const auto same = number_of(summary, "none");
  if (out.empty()) return "nothing to do" + (same.empty() || same == "0" ? "" : ", " + same + " as declared");
  return out + (same.empty() || same == "0" ? "" : ", " + same + " as declared");
}

}  // namespace

Exit plan(const Session& session, const std::string& application, const std::string& revision) {
  Value body = Value::object();
  if (!revision.empty()) body.set("revision", revision);
  const auto answer =
      session.client.post("/v1/applications/" + percent_encoded(application) + "/plan", body, kPatience);
  const auto& left_out = answer.get_array("left_out");
  const auto end = left_out.empty() ? Exit::ok : Exit::failed;  // for a check of a proposed commit
  if (session.json) return session.print_json(answer), end;
  const auto held = number_of(answer, "held_sync");
  session.line(safe(text_of(answer, "application")) + " at " + safe(commit_of(answer, "revision")) +
               (held.empty() ? "" : ", the stored plan of sync " + held + ", which is held"));
  if (const auto* steps = answer.find("steps")) session.terminal.write(steps_text(session, *steps));
  if (const auto* summary = answer.find("summary")) session.line(summary_text(*summary));
  if (!left_out.empty()) {
    session.line(session.terminal.paint(Colour::yellow, "left out:"));
    for (const auto& line : left_out)
      session.line("  " + lines_below(line.is_string() ? line.as_string() : ""));
  }
  const auto by = text_of(answer, "released_by");
  const auto say = [&](const std::string& what, const std::string& why, bool releases) {
    if (why.empty()) return;
    session.line(session.terminal.paint(Colour::yellow, what + lines_below(why)));
    if (releases && !by.empty()) session.line("  released by: " + safe(by));
  };
  const auto kept_off = text_of(answer, "kept_off");
  say("is not synced by itself: ", kept_off, true);
  say(held.empty() ? "would be held: " : "is held: ", text_of(answer, "hold"), kept_off.empty());
  return end;
}

}  // namespace gitopsd::ctl
