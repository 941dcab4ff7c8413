#include <map>

#include "providers/aws/content_verbs.h"
#include "providers/aws/verbs.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::aws {
namespace {

using protocol::DriftState;
using protocol::Health;
using protocol::Live;
using protocol::Observation;

/// From here on one page of all is cheaper than each by itself.
constexpr std::size_t kManyEntries = 4;

class StackObserver {
 public:
  StackObserver(State& state, const protocol::ObserveRequest& request, protocol::CallContext& context)
      : state_(state), request_(request), context_(context) {}

  protocol::ObserveResult run() {
    state_.check_account(context_.cancelled);
    if (request_.entries.size() >= kManyEntries) {
      all_.emplace();
      for (auto& stack : state_.cloudformation.stacks(context_.cancelled)) all_->emplace(stack.name, stack);
    }
    protocol::ObserveResult result;
    result.observations.resize(request_.entries.size());
    protocol::run_in_order(std::vector<std::vector<std::size_t>>(request_.entries.size()), kCallsAtOnce,
                           [&](std::size_t i) {
                             const auto& entry = request_.entries[i];
                             auto& seen = result.observations[i];
                             seen.id = entry.id;
                             try {
                               look(entry, seen);
                             } catch (const Failure& failure) {
                               seen = Observation{};
                               seen.id = entry.id;
                               seen.reason = failure.problems().front().message;
                             }
                           });
    return result;
  }

 private:
  std::optional<StackFacts> facts(const std::string& name) {
    if (!all_) return state_.cloudformation.stack(name, context_.cancelled);
    const auto found = all_->find(name);
    return found == all_->end() ? std::nullopt : std::optional(found->second);
  }

  void look(const protocol::Entry& entry, Observation& seen) {
    const std::string name = name_of(entry.id);
    const auto live = facts(name);
    if (!live || phase_of(live->status) == StackPhase::review) {
      seen.live = Live::absent;
      seen.drift = entry.owned ? DriftState::yes : DriftState::no;
      seen.health = Health::missing;
      seen.reason = "the stack '" + name + "' does not exist";
      return;
    }
    const auto owner = owner_of(live->tags);
    if (!owner || !stands_for(*owner, request_.owner, entry.from)) {
      seen.live = Live::foreign;
      seen.drift = DriftState::yes;
      seen.reason = owner ? "the stack '" + name + "' belongs to application '" + owner->application + "'"
                          : "the tags of the stack '" + name + "' do not say that it is ours";
      return;
    }
    seen.live = Live::ours;
    judge_health(*live, seen);
    judge_drift(entry, *live, seen);
  }

  void judge_health(const StackFacts& live, Observation& seen) {
    switch (phase_of(live.status)) {
      case StackPhase::well:
        seen.health = Health::healthy;
        return;
      case StackPhase::busy:
      case StackPhase::review:
        seen.health = Health::progressing;
        seen.reason = live.status;
        return;
      case StackPhase::stillborn:
      case StackPhase::rolled_back:
      case StackPhase::broken:
        break;
    }
    seen.health = Health::degraded;
    const std::string cause = first_failure(state_, live.id, context_.cancelled);
    seen.reason = live.status + (cause.empty() ? live.status_reason.empty() ? "" : ": " + live.status_reason
                                               : ": " + cause);
  }

  void judge_drift(const protocol::Entry& entry, const StackFacts& live, Observation& seen) {
    auto receipt = entry.owned ? Receipt::parse(entry.owned->receipt) : std::nullopt;
    seen.drift = DriftState::no;
    if (phase_of(live.status) == StackPhase::busy || !entry.owned) return;
    if (!receipt || receipt->stack != live.id) {
      seen.drift = DriftState::yes;
      seen.diff = "it is another stack than was applied\n";
      return;
    }
    // Neither template nor parameters change without an update: no need to read them, not even for a full
    // look.
    if (receipt->updated == live.updated) return;
    const std::string facts_now = state_.digests.of_facts(live);
    const bool first = receipt->updated.empty();  // nobody has looked since the operation ended
    if (!first && receipt->facts != facts_now)
      seen.diff += "parameters, tags or role are not as they were applied\n";
    if (!first) {
      const auto text = state_.cloudformation.template_of(live.id, context_.cancelled);
      if (state_.digests.of_template(text) != receipt->template_)
        seen.diff += "the template is not the one that was applied\n";
    }
    if (phase_of(live.status) != StackPhase::well && first) return;  // what failed is no drift
    if (!seen.diff.empty()) {
      seen.drift = DriftState::yes;
      return;
    }
    receipt->facts = facts_now;
    receipt->updated = live.updated;
    seen.receipt = receipt->text();
  }

  State& state_;
  const protocol::ObserveRequest& request_;
  protocol::CallContext& context_;
  std::optional<std::map<std::string, StackFacts>> all_;
};

}  // namespace

protocol::ObserveResult observe(State& state, const protocol::ObserveRequest& request,
                                protocol::CallContext& context) {
  protocol::ObserveRequest stacks = request;
  std::erase_if(stacks.entries, [](const protocol::Entry& entry) { return is_content(entry.id); });
  auto result = StackObserver(state, stacks, context).run();
  for (const auto& entry : request.entries)
    if (is_content(entry.id))
      result.observations.push_back(observe_content(state, request, entry, context.cancelled));
  return result;
}

}  // namespace gitopsd::aws
