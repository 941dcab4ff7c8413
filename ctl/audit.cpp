#include <algorithm>
#include <cstdint>

#include "ctl/commands.h"
#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

constexpr std::int64_t kPage = 1000;

// Strings and numbers as they are, the rest as JSON.
std::string plain(const Value& entry, std::string_view key) {
  const auto* member = entry.find(key);
  if (member == nullptr) return "";
  return member->is_string() ? member->as_string() : to_json(*member);
}

Exit verify(const Session& session) {
  const auto answer = session.client.post("/v1/audit/verify", Value::object(), std::chrono::minutes(30));
  const bool intact = answer.get_bool("intact");
  if (session.json) {
    session.print_json(answer);
  } else if (intact) {
    session.line(session.terminal.paint(Colour::green, "the audit record is intact"));
  } else {
    session.line(session.terminal.paint(
        Colour::red, "the audit record is broken from entry " + number_of(answer, "first_broken") +
                         " on: somebody changed the database, or it was damaged"));
  }
  return intact ? Exit::ok : Exit::failed;
}

std::string rest_of(const Value& entry) {
  std::string out;
  for (const auto& [key, value] : entry.as_object()) {
    if (key == "who" || key == "action" || key == "application" || key == "resource" || value.is_null())
      continue;
    auto text = plain(entry, key);
    if (CommitId::parse(text) || text.size() == 64) text = text.substr(0, 10);
    if (!out.empty()) out += ' ';
    out += key;
    out += '=';
    out += text;
  }
  return out;
}

}  // namespace

Exit audit(const Session& session, const AuditOptions& options) {
  if (options.verify) return verify(session);
  const auto now = system_clock().wall();
  Table table({">ENTRY", "AGE", "WHO", "WHAT", "APPLICATION", "RESOURCE", "DETAILS"});
  Value all = Value::object({{"entries", Value::array()}});
  std::int64_t left = options.limit > 0 ? options.limit : INT64_MAX;
  for (std::int64_t from = options.from; from > 0 && left > 0;) {
    const auto answer = session.client.get(target(
        "/v1/audit", {{"from", std::to_string(from)}, {"limit", std::to_string(std::min(left, kPage))}}));
    const auto& entries = answer.get_array("entries");
    left -= static_cast<std::int64_t>(entries.size());
    for (const auto& one : entries) {
      if (session.json) {
        all.as_object()["entries"].push(one);
        continue;
      }
      const auto* entry = one.find("entry");
      if (entry == nullptr || !entry->is_object()) continue;
      table.add({number_of(one, "sequence"), age_of(one, "when", now), plain(*entry, "who"),
                 plain(*entry, "action"), plain(*entry, "application"), plain(*entry, "resource"),
                 rest_of(*entry)});
    }
    from = entries.empty() ? 0 : answer.get_int("next");
  }
  if (session.json) return session.print_json(all), Exit::ok;
  if (table.empty()) return session.line("no entries"), Exit::ok;
  session.terminal.write(table.str(session.terminal));
  return Exit::ok;
}

}  // namespace gitopsd::ctl
