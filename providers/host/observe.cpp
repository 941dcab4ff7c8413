#include "providers/host/diff.h"
#include "providers/host/goal.h"
#include "providers/host/path.h"
#include "providers/host/policy.h"
#include "providers/host/verbs.h"
#include "providers/host/watch.h"

namespace gitopsd::host {
namespace {

using protocol::DriftState;
using protocol::Entry;
using protocol::Health;
using protocol::Live;
using protocol::Observation;

constexpr std::size_t kMaxLiveInput = 64u << 10;

class Observer {
 public:
  Observer(State& state, const protocol::ObserveRequest& request) : state_(state), request_(request) {
    std::vector<protocol::WireProblem> problems;
    policy_ = Policy::parse(request.policy, problems);
    if (!problems.empty()) throw fail(ProblemCause::input, problems[0].message, problems[0].hint);
    for (const auto& document : request.documents) {
      auto wanted = read_document(document, Value(), problems);
      if (wanted) wanted_.insert_or_assign(id_of(wanted->path), std::move(*wanted));
    }
  }
  const Policy& policy() const { return policy_; }
  Observation observe(const Entry& entry);

 private:
  void look_at(const Entry& entry, const std::string& path, Observation& seen);
  void without_memory(const Entry& entry, const std::string& prefix, const std::string& path,
                      Observation& seen);
  std::optional<Receipt> memory_of(const Entry& entry, std::string& text) const;
  std::string diff_of(const std::string& path, const Receipt& receipt, const std::string& prefix) const;

  State& state_;
  const protocol::ObserveRequest& request_;
  Policy policy_;
  std::map<ResourceId, Wanted> wanted_;
};

Observation Observer::observe(const Entry& entry) {
  Observation seen;
  seen.id = entry.id;
  const std::string path = path_of(entry.id);
  if (path.empty()) {
    seen.reason = "no id of this provider";
  } else if (!policy_.allowed_by(path)) {
    seen.reason = "outside of what this application may touch";
  } else {
    try {
      look_at(entry, path, seen);
    } catch (const Failure& e) {
      // An error is never absence.
      seen.live = Live::unknown;
      seen.drift = DriftState::unknown;
      seen.health = Health::unknown;
      seen.reason = e.problems()[0].message;
    }
  }
  return seen;
}

/// Our own list first: it knows of a write whose end the daemon did not hear of.
std::optional<Receipt> Observer::memory_of(const Entry& entry, std::string& text) const {
  auto record = state_.owned.find(entry.id);
  if (record && stands_for(record->owner, request_.owner, entry.from))
    text = record->receipt;
  else if (!record && entry.owned)
    text = entry.owned->receipt;
  auto receipt = receipt_of(text);
  if (receipt && receipt->key_id != state_.key_id) return std::nullopt;
  return receipt;
}

void Observer::look_at(const Entry& entry, const std::string& path, Observation& seen) {
  const std::string& prefix = *policy_.allowed_by(path);
  std::string text;
  const auto receipt = memory_of(entry, text);
  if (!receipt) return without_memory(entry, prefix, path, seen);
  const Comparison now = compare(state_, entry.id, prefix, path, *receipt, request_.full);
  seen.receipt = text;
  if (now.seen.facts.type == Type::absent) {
    seen.live = Live::absent;
    seen.drift = DriftState::yes;
    seen.health = Health::missing;
    seen.reason = "it does not exist";
    return;
  }
  seen.live = now.seen.facts.type == receipt->facts.type ? Live::ours : Live::foreign;
  const bool drifted = !now.differences.empty();
  const auto record = state_.owned.find(entry.id);
  const bool handed = record && record->owner != request_.owner;
  seen.drift = drifted || handed ? DriftState::yes : DriftState::no;
  seen.health = drifted ? Health::degraded : Health::healthy;
  seen.reason = joined(now.differences);
  if (handed && !drifted) seen.reason = "handed over by application '" + record->owner.application + "'";
  if (drifted) seen.diff = diff_of(path, *receipt, prefix);
}

void Observer::without_memory(const Entry& entry, const std::string& prefix, const std::string& path,
                              Observation& seen) {
  auto place = open_place(prefix, path);
  const Seen now = place ? look(*place, &state_.key) : Seen{};
  if (now.facts.type == Type::absent) {
    seen.live = Live::absent;
    seen.drift = entry.owned ? DriftState::yes : DriftState::no;
    seen.health = Health::missing;
    seen.reason = "it does not exist";
    return;
  }
  if (!entry.owned) {
    seen.live = Live::foreign;
    seen.reason = "something that is not ours stands there";
    return;
  }
  seen.reason = "this host's memory of it was lost, so that it cannot be compared; sync once more";
}

std::string Observer::diff_of(const std::string& path, const Receipt& receipt,
                              const std::string& prefix) const {
  auto found = wanted_.find(id_of(path));
  if (found == wanted_.end() || found->second.type != Type::file || found->second.blob) return {};
  if (receipt.sensitive || found->second.sensitive) return "content is not shown\n";
  auto place = open_place(prefix, path);
  auto live = place ? read_bounded(*place, kMaxLiveInput) : std::nullopt;
  return live ? unified_diff(path, found->second.content, live) : std::string();
}

}  // namespace

Comparison compare(State& state, const ResourceId& id, const std::string& prefix, const std::string& path,
                   const Receipt& receipt, bool full) {
  Comparison out;
  auto place = open_place(prefix, path);
  if (place) out.seen = look(*place, nullptr);
  const bool has_content = out.seen.facts.type == Type::file || out.seen.facts.type == Type::symlink;
  const bool same_type = out.seen.facts.type == receipt.facts.type;
  const bool read = has_content && same_type && (full || !state.verified.holds(id, out.seen, receipt.facts));
  if (read) out.seen = look(*place, &state.key);
  if (receipt.create_only && out.seen.facts.type != Type::absent) return out;
  out.differences = differences(out.seen.facts, receipt.facts);
  if (read && out.differences.empty()) state.verified.add(id, out.seen, receipt.facts);
  return out;
}

protocol::ObserveResult observe(State& state, Watch* watch, const protocol::ObserveRequest& request) {
  Observer observer(state, request);
  protocol::ObserveResult result;
  for (const auto& entry : request.entries) {
    const std::string path = path_of(entry.id);
    const std::string* prefix = path.empty() ? nullptr : observer.policy().allowed_by(path);
    // First the watch, then the look: nothing between the two is missed.
    if (request.watch && watch && prefix) watch->add(request.owner.application, *prefix, path);
    result.observations.push_back(observer.observe(entry));
  }
  return result;
}

}  // namespace gitopsd::host
