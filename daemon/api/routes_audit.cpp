#include "base/json.h"
#include "daemon/api/objects.h"
#include "daemon/api/routes.h"
#include "daemon/api/target.h"

namespace gitopsd::api {
namespace {

/// An entry whose text is damaged is shown as the text it is: that is what an auditor looks for.
Value recorded(const std::string& entry) {
  try {
    return parse_json(entry);
  } catch (const Failure&) {
    return Value::object({{"unreadable", entry}});
  }
}

}  // namespace

Reply audit(const Context& context, const Request& request) {
  const auto from = request.query.find("from");
  const std::int64_t first =
      from == request.query.end() ? 1 : parse_number(from->second, "from", 1, INT64_MAX);
  const int wanted = limit(request, 100, 1000);
  auto entries = context.store().audit_log(first, wanted + 1);  // one more tells whether there is a next page
  const bool more = entries.size() > static_cast<std::size_t>(wanted);
  Value next;
  if (more) {
    next = entries[static_cast<std::size_t>(wanted)].sequence;
    entries.resize(static_cast<std::size_t>(wanted));
  }
  Value list = Value::array();
  for (const auto& entry : entries) {
    list.push(Value::object({{"sequence", entry.sequence},
                             {"when", time_or_null(entry.when)},
                             {"entry", recorded(entry.entry)},
                             {"hash", entry.hash}}));
  }
  return json_reply(200, Value::object({{"entries", std::move(list)}, {"next", std::move(next)}}));
}

Reply verify_audit(const Context& context, const Request&) {
  const auto broken = context.store().verify_audit();
  return json_reply(
      200, Value::object({{"intact", !broken}, {"first_broken", broken ? Value(*broken) : Value()}}));
}

}  // namespace gitopsd::api
