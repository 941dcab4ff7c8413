#include <algorithm>

#include "ctl/commands.h"
#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

std::string joined(const Value::Array& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word.as_string();
  return out;
}

}  // namespace

Exit hooks(const Session& session) {
  const auto answer = session.client.get("/v1/hooks");
  if (session.json) return session.print_json(answer), Exit::ok;
  const auto now = system_clock().wall();
  Table table({"HOOK", "FORGE", "REPOSITORIES", "URL"});
  for (const auto& hook : answer.get_array("hooks")) {
    const auto url = text_of(hook, "url");
    table.add({text_of(hook, "name"), text_of(hook, "forge"), joined(hook.get_array("repositories")),
               url.empty() ? text_of(hook, "path") : url});
  }
  if (table.empty()) {
    session.line("no hooks; gitopsctl hook add NAME tells how to make one");
  } else {
    session.terminal.write(table.str(session.terminal));
  }
  if (const auto* counters = answer.find("counters"); counters != nullptr && counters->is_object()) {
    std::string counts;
    for (const auto* key : {"accepted", "duplicates", "ignored", "unauthenticated", "malformed",
                            "rejected_limits", "store_errors", "handshake_failures"}) {
      const auto count = number_of(*counters, key);
      if (!count.empty() && count != "0") counts += (counts.empty() ? "" : ", ") + count + " " + key;
    }
    std::replace(counts.begin(), counts.end(), '_', ' ');
    session.line("\ndeliveries since the start: " + (counts.empty() ? "none" : counts));
  }
  Table refused({"REFUSED", "HOOK", "ADDRESS", ">STATUS", "REASON"});
  for (const auto& one : answer.get_array("refused")) {
    refused.add({age_of(one, "when", now) + " ago", text_of(one, "hook"), text_of(one, "address"),
                 number_of(one, "status"), text_of(one, "reason")});
  }
  if (!refused.empty()) session.terminal.write("\n" + refused.str(session.terminal));
  return Exit::ok;
}

}  // namespace gitopsd::ctl
