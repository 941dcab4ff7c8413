#include "daemon/sync/guard.h"

#include <algorithm>

namespace gitopsd::sync {

using protocol::Action;
using protocol::Destroys;

std::string hold_reason(const config::Application& app, const std::vector<protocol::Step>& steps,
                        std::int64_t owned, bool asked_to_delete) {
  std::int64_t going = 0, changes = 0;
  const protocol::Step* data = nullptr;
  for (const auto& step : steps) {
    if (step.action == Action::none) continue;
    ++changes;
    if (step.action == Action::remove || step.action == Action::replace) ++going;
    if (step.destroys == Destroys::data) data = &step;
  }
  if (app.approve && changes > 0)
    return "every change of this application waits for approval (approve: true)";
  if (data) return std::string(to_string(data->action)) + " " + data->id.str() + " would destroy data";
  if (asked_to_delete) return {};  // a person named the application and said --cascade
  if (owned >= 2 && going >= owned)
    return "it would delete or replace all " + std::to_string(owned) + " resources";
  const std::int64_t budget = std::max<std::int64_t>(2, owned / 5);
  if (going > budget) {
    return "it would delete or replace " + std::to_string(going) + " of " + std::to_string(owned) +
           " resources, more than its deletion budget of " + std::to_string(budget);
  }
  return {};
}

}  // namespace gitopsd::sync
