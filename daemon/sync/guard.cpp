#include "daemon/sync/guard.h"

#include <algorithm>

namespace gitopsd::sync {

using protocol::Action;
using protocol::Destroys;

namespace {

constexpr std::size_t kMostNamedHere = 5;

/// "delete A, delete B and 3 more"
std::string named(const std::vector<std::string>& changes) {
  std::string out;
  const auto names = std::min(changes.size(), kMostNamedHere);
  for (std::size_t i = 0; i < names; ++i) out += (i == 0 ? "" : ", ") + changes[i];
  if (changes.size() > names) out += " and " + std::to_string(changes.size() - names) + " more";
  return out;
}

}  // namespace

std::string hold_reason(const config::Application& app, const std::vector<protocol::Step>& steps,
                        std::int64_t owned, bool asked_to_delete) {
  std::int64_t going = 0, changes = 0;
  std::vector<std::string> data;
  for (const auto& step : steps) {
    if (step.action == Action::none) continue;
    ++changes;
    if (step.action == Action::remove || step.action == Action::replace) ++going;
    if (step.destroys == Destroys::data)
      data.push_back(std::string(to_string(step.action)) + " " + step.id.str());
  }
  if (app.approve && changes > 0)
    return "every change of this application waits for approval (approve: true)";
  if (!data.empty()) return named(data) + " would destroy data";
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
