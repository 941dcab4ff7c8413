#include <map>

#include "providers/aws/content_verbs.h"
#include "providers/aws/stack_looks.h"
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
/// How long a look may show a stack as it was before an operation of ours.
constexpr WallMicros kShownWithin = 60'000'000;

class StackObserver {
 public:
  StackObserver(State& state, const protocol::ObserveRequest& request, protocol::CallContext& context)
      : state_(state), request_(request), context_(context) {}

  protocol::ObserveResult run() {
    state_.check_account(context_.cancelled);
    std::vector<protocol::WireProblem> problems;  // told by whoever plans
    policy_ = Policy::parse(request_.policy, problems);
    looks_.emplace(state_, places(), kManyEntries, context_.cancelled);
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
  std::vector<std::string> places() const {
    std::vector<std::string> out;
    for (const auto& entry : request_.entries) out.push_back(name_of(entry.id));
    return out;
  }

  CloudFormation& there(const protocol::Entry& entry) const {
    return state_.cloudformation(StackPlace::parse(name_of(entry.id)).region);
  }

  void look(const protocol::Entry& entry, Observation& seen) {
    const std::string name = name_of(entry.id);
    const auto live = looks_->look(name);
    if (live && is_yet_to_show(entry, *live)) {
      seen.live = Live::ours;
      seen.drift = DriftState::no;
      seen.health = Health::progressing;
      seen.reason = live->status + ", which does not show yet that its change has begun";
      return state_.drift.rest(live->id);
    }
    if (!live) state_.deletions.forget(entry.id);
    if (!live || phase_of(live->status) == StackPhase::review) {
      seen.live = Live::absent;
      seen.drift = entry.owned ? DriftState::yes : DriftState::no;
      seen.health = Health::missing;
      seen.reason = "the stack '" + name + "' does not exist";
      judge_absence(entry, seen);
      return;
    }
    const auto owner = owner_of(live->tags);
    if (owner ? !stands_for(*owner, request_.owner, entry.from) : !is_becoming_ours(entry, *live)) {
      seen.live = Live::foreign;
      seen.drift = DriftState::yes;
      seen.reason = owner ? "the stack '" + name + "' belongs to application '" + owner->application + "'"
                          : "the tags of the stack '" + name + "' do not say that it is ours";
      return;
    }
    seen.live = Live::ours;
    judge_health(entry, *live, seen);
    judge_drift(entry, *live, seen);
  }

  /// Believed is a status with an event of the operation, or another time of the last update.
  bool is_yet_to_show(const protocol::Entry& entry, const StackFacts& live) {
    const auto receipt = entry.owned ? Receipt::parse(entry.owned->receipt) : std::nullopt;
    if (!receipt || !receipt->begun || receipt->stack != live.id) return false;
    const auto& begun = *receipt->begun;
    const auto phase = phase_of(live.status);
    const auto since = system_clock().wall() - begun.at;
    if (phase == StackPhase::busy || since < 0 || since > kShownWithin) return false;
    if (phase == StackPhase::review) return true;
    if (live.updated != begun.before) return false;
    return !has_come_to(live.status, begun.token, there(entry).events(live.id, {}, context_.cancelled));
  }

  /// It gets its tags by the operation that our receipt is of: until that has come to a good end there may be
  /// none.
  static bool is_becoming_ours(const protocol::Entry& entry, const StackFacts& live) {
    const auto receipt = entry.owned ? Receipt::parse(entry.owned->receipt) : std::nullopt;
    return receipt && receipt->stack == live.id && receipt->updated.empty() &&
           phase_of(live.status) != StackPhase::well;
  }

  /// With `onFailure: delete` CloudFormation leaves nothing of a creation that failed but its events.
  void judge_absence(const protocol::Entry& entry, Observation& seen) {
    const auto receipt = entry.owned ? Receipt::parse(entry.owned->receipt) : std::nullopt;
    if (!receipt || !receipt->updated.empty()) return;
    std::string cause;
    try {
      cause = first_failure(state_, there(entry), receipt->stack, context_.cancelled);
    } catch (const ApiError&) {
      return;  // nothing is kept of it
    }
    if (cause.empty()) return;
    // What failed is no drift: made at once again, it would fail at once again.
    seen.live = Live::ours;
    seen.drift = DriftState::no;
    seen.health = Health::degraded;
    seen.reason = "its creation failed, and it was deleted: " + cause;
  }

  void judge_health(const protocol::Entry& entry, const StackFacts& live, Observation& seen) {
    switch (phase_of(live.status)) {
      case StackPhase::well:
        seen.health = Health::healthy;
        state_.places.forget(live.id);
        return;
      case StackPhase::busy:
        if (live.status == "DELETE_IN_PROGRESS")
          state_.deletions.watch(
              live.id,
              {request_.owner.application, entry.id, StackPlace::parse(name_of(entry.id)).region, {}});
        [[fallthrough]];
      case StackPhase::review:
        seen.health = Health::progressing;
        seen.reason = live.status;
        if (const auto at = progress_text(there(entry).events(live.id, {}, context_.cancelled)); !at.empty())
          seen.reason += ": " + at;
        return;
      case StackPhase::stillborn:
      case StackPhase::rolled_back:
      case StackPhase::halted:
      case StackPhase::stuck:
      case StackPhase::broken:
        break;
    }
    seen.health = Health::degraded;
    const std::string cause = first_failure(state_, there(entry), live.id, context_.cancelled);
    seen.reason = live.status + (cause.empty() ? live.status_reason.empty() ? "" : ": " + live.status_reason
                                               : ": " + cause);
    if (live.status == "DELETE_FAILED")  // also where nobody was there to see it
      state_.deletions.tell_that_it_stays(request_.owner.application, entry.id,
                                          cause.empty() ? live.status_reason : cause);
  }

  void judge_drift(const protocol::Entry& entry, const StackFacts& live, Observation& seen) {
    auto receipt = entry.owned ? state_.first_looks.receipt(entry.owned->receipt) : std::nullopt;
    seen.drift = DriftState::no;
    if (phase_of(live.status) == StackPhase::busy) return state_.drift.rest(live.id);
    if (!entry.owned) return;
    if (!receipt || receipt->stack != live.id) {
      seen.drift = DriftState::yes;
      seen.diff = "it is another stack than was applied\n";
      return;
    }
    if (receipt->protection && *receipt->protection != live.protection)
      seen.diff += std::string("its termination protection is ") + (live.protection ? "on\n" : "off\n");
    // Neither template nor parameters change without an update: no need to read them, not even for a full
    // look.
    if (receipt->updated != live.updated)
      compare(entry, live, *receipt, seen);
    else
      seen.receipt = receipt->text();  // the daemon may not have heard of it
    judge_resources(entry, live, *receipt, seen);
    judge_taken(live, *receipt, seen);
    if (seen.diff.empty()) return;
    seen.drift = DriftState::yes;
    seen.receipt.clear();
    if (seen.reason.empty()) seen.reason = seen.diff.substr(0, seen.diff.find('\n'));
  }

  /// With what was applied; what is found to be the same is remembered.
  void compare(const protocol::Entry& entry, const StackFacts& live, Receipt& receipt, Observation& seen) {
    const std::string facts_now = state_.digests.of_facts(live);
    const bool first = receipt.updated.empty();  // nobody has looked since the operation ended
    if (phase_of(live.status) != StackPhase::well && first) return;  // what failed is no drift
    if (!first && receipt.facts != facts_now)
      seen.diff += "parameters, tags, role or topics are not as they were applied\n";
    if (!first) {
      const auto text = there(entry).template_of(live.id, context_.cancelled);
      if (state_.digests.of_template(text) != receipt.template_)
        seen.diff += "the template is not the one that was applied\n";
    }
    receipt.facts = facts_now;
    receipt.updated = live.updated;
    receipt.begun.reset();
    seen.receipt = receipt.text();
    if (first) state_.first_looks.add(entry.owned->receipt, receipt);
  }

  /// What other stacks told when it was applied may be something else by now.
  void judge_taken(const StackFacts& live, const Receipt& receipt, Observation& seen) {
    if (receipt.taken.digest.empty()) return;
    if (phase_of(live.status) != StackPhase::well && phase_of(live.status) != StackPhase::rolled_back) return;
    try {
      if (!state_.is_another(receipt.taken, [this](const std::string& place) { return looks_->look(place); }))
        return;
    } catch (const Failure&) {
      return;  // of others nothing is known now, and of itself nothing is wrong
    }
    std::vector<std::string> sources;
    for (const auto& source : receipt.taken.outputs) sources.push_back(source.first);
    seen.diff += "its parameters take outputs that are others now, of " + listed(sources) + "\n";
  }

  /// By CloudFormation's drift detection, where it is wanted.
  void judge_resources(const protocol::Entry& entry, const StackFacts& live, const Receipt& receipt,
                       Observation& seen) {
    if (!receipt.detects.value_or(policy_.drift_detection.has_value())) return state_.drift.forget(live.id);
    if (phase_of(live.status) != StackPhase::well && phase_of(live.status) != StackPhase::rolled_back) return;
    state_.drift.want({request_.owner.application, entry.id, StackPlace::parse(name_of(entry.id)).region,
                       live.id, live.updated, live.drift_checked,
                       policy_.drift_detection.value_or(kDetectsEvery)});
    const auto report = state_.drift.report(live.id, live.updated);
    if (!report || report->drifted.empty()) return;
    seen.diff += drift_text(*report);
    seen.reason = drift_reason(*report);
    if (!report->refused.empty()) seen.reason += "; it is not put back by itself: " + report->refused;
  }

  State& state_;
  const protocol::ObserveRequest& request_;
  protocol::CallContext& context_;
  Policy policy_;
  std::optional<StackLooks> looks_;
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
