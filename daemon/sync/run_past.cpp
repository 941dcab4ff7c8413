// A sync that goes on past what failed: where a provider's waves stand for nothing but what its resources
// require, those that require none of it are applied all the same. It fails in the end, with all that did.
#include <algorithm>

#include "daemon/sync/run.h"

namespace gitopsd::sync {
namespace {

constexpr std::string_view kIndependent = "independent";

bool is_hook_step(const protocol::Step& step) {
  return step.hook != protocol::Hook::none;
}

}  // namespace

bool Run::may_go_past(std::size_t from) const {
  if ((job_.kind != Kind::commit && job_.kind != Kind::rollback) || failure_) return false;
  if (!scope_.provider->info().has(kIndependent)) return false;
  return std::none_of(waves_.begin() + static_cast<std::ptrdiff_t>(from), waves_.end(), [](const Wave& wave) {
    return std::any_of(wave.steps.begin(), wave.steps.end(), is_hook_step);
  });
}

bool Run::go_past(const std::vector<Refused>& bad, std::size_t from, std::set<ResourceId> gone) {
  if (bad.empty() || !may_go_past(from)) return false;
  for (const auto& one : bad) gone.insert(one.id);
  auto told = problems_of(bad);
  std::move(told.begin(), told.end(), std::back_inserter(failures_));
  for (const auto& item : work_.upsert) {  // requirements first
    const auto* missing = gone_requirement(item, gone);
    if (!missing || !gone.insert(item.resource.id).second) continue;
    if (!is_to_come(item.resource.id, from)) continue;
    failures_.push_back({bad.front().problem.cause,
                         item.resource.id.str() + " is not begun: it requires " + missing->str(),
                         {},
                         {},
                         {}});
  }
  std::erase_if(work_.upsert, [&](const Item& item) { return gone.contains(item.resource.id); });
  work_.remove.clear();
  items_.clear();
  for (const auto& item : work_.upsert) items_.emplace(item.resource.id, &item);
  bool any = false;
  for (std::size_t i = from; i < waves_.size(); ++i) {
    auto& wave = waves_[i];
    std::erase_if(wave.steps, [&](const protocol::Step& step) {
      return gone.contains(step.id) || step.action == protocol::Action::remove;
    });
    std::erase_if(wave.ailing, [&](const ResourceId& id) { return gone.contains(id); });
    any = any || !wave.steps.empty();
  }
  return any;
}

bool Run::is_to_come(const ResourceId& id, std::size_t from) const {
  return std::any_of(waves_.begin() + static_cast<std::ptrdiff_t>(from), waves_.end(), [&](const Wave& wave) {
    return std::any_of(wave.steps.begin(), wave.steps.end(),
                       [&](const protocol::Step& step) { return step.id == id; });
  });
}

/// With what it went past before.
Outcome Run::fail_with(const std::vector<Refused>& bad) {
  if (failures_.empty()) return fail_over(Failure(problems_of(bad)));
  auto all = std::exchange(failures_, {});
  for (auto& problem : problems_of(bad)) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const Problem& one) { return one.str() == problem.str(); });
    if (!known) all.push_back(std::move(problem));
  }
  return fail_over(Failure(std::move(all)));
}

}  // namespace gitopsd::sync
