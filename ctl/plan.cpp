#include "ctl/commands.h"
#include "ctl/format.h"
#include "ctl/steps.h"

namespace gitopsd::ctl {
namespace {

constexpr std::chrono::minutes kPatience{15};

std::string summary_text(const Value& summary) {
  std::string out;
  for (const auto* action : {"create", "update", "replace", "delete", "adopt", "run"}) {
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
  if (session.json) return session.print_json(answer), Exit::ok;
  const auto held = number_of(answer, "held_sync");
  session.line(safe(text_of(answer, "application")) + " at " + safe(commit_of(answer, "revision")) +
               (held.empty() ? "" : ", the stored plan of sync " + held + ", which is held"));
  if (const auto* steps = answer.find("steps")) session.terminal.write(steps_text(session, *steps));
  if (const auto* summary = answer.find("summary")) session.line(summary_text(*summary));
  if (const auto hold = text_of(answer, "hold"); !hold.empty()) {
    session.line(session.terminal.paint(Colour::yellow, "would be held: " + safe(hold)));
  }
  return Exit::ok;
}

}  // namespace gitopsd::ctl
