#include "daemon/sync/operator_audit.h"

#include "base/json.h"

namespace gitopsd::sync {

std::string audit_of(std::string_view action, const std::string& who, const ApplicationName& app,
                     Value more) {
  Value entry = more.is_null() ? Value::object() : std::move(more);
  entry.set("action", action).set("who", who).set("application", app.str());
  return to_json(entry);
}

}  // namespace gitopsd::sync
