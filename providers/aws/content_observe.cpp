#include <algorithm>

#include "providers/aws/content_verbs.h"

namespace gitopsd::aws {
namespace {

using protocol::DriftState;
using protocol::Health;
using protocol::Live;
using protocol::Observation;

constexpr std::size_t kMostNames = 3;

/// Objects that are not as they were sent, a list for each way.
struct Drifted {
  std::vector<std::string> changed, missing, extra;
  std::size_t untouched = 0;

  std::string text() const {
    std::string out;
    for (const auto& [words, keys] :
         {std::pair{"changed: ", &changed}, {"missing: ", &missing}, {"put there: ", &extra}}) {
      if (keys->empty()) continue;
      out += (out.empty() ? "" : "; ") + std::string(words);
      for (std::size_t i = 0; i < std::min(keys->size(), kMostNames); ++i)
        out += (i ? ", " : "") + (*keys)[i];
      if (keys->size() > kMostNames) out += " and " + std::to_string(keys->size() - kMostNames) + " more";
    }
    return out;
  }
};

Drifted compare(State& state, const ContentPlace& place, KnownObjects known, Extra extra,
                const std::string& mark, const Cancelled& cancelled) {
  Drifted out;
  state.s3.list(
      place.bucket, place.prefix,
      [&](const ObjectFacts& listed) {
        const auto found = known.find(listed.key);
        if (found == known.end()) {
          if (extra == Extra::all) out.extra.push_back(listed.key);
          return;
        }
        if (found->second.owner == mark) {
          if (is_untouched(found->second, listed))
            ++out.untouched;
          else
            out.changed.push_back(listed.key);
        } else if (found->second.owner.empty() && extra == Extra::all) {
          out.extra.push_back(listed.key);
        }
        known.erase(found);
      },
      cancelled);
  for (const auto& [key, object] : known)
    if (object.owner == mark) out.missing.push_back(key);
  return out;
}

bool is_known_to_be_ours(const KnownObjects& known, const std::string& mark) {
  return std::any_of(known.begin(), known.end(), [&](const auto& each) { return each.second.owner == mark; });
}

void look(State& state, const protocol::ObserveRequest& request, const protocol::Entry& entry,
          const Cancelled& cancelled, Observation& seen) {
  const auto ledger = state.ledgers.of(entry.id);
  const auto known = ledger->objects();
  const std::string mark =
      marks_of(request.owner, entry.from).back();  // nothing of it was written anew so far
  const auto receipt = entry.owned ? ContentReceipt::parse(entry.owned->receipt) : std::nullopt;
  seen.live = Live::ours;
  seen.health = Health::healthy;
  seen.drift = entry.from.empty() ? DriftState::no : DriftState::yes;
  if (!entry.owned) {  // begun, and nobody knows how far it came
    if (!is_known_to_be_ours(*known, mark)) seen.live = Live::absent;
    seen.receipt = ContentReceipt{ledger->at(), Extra::owned}.text();
    return;
  }
  if (!request.full) return;
  const auto found =
      compare(state, place_of(entry.id), *known, receipt ? receipt->extra : Extra::owned, mark, cancelled);
  if (!receipt || ledger->at() < receipt->at) {
    seen.drift = DriftState::yes;
    seen.reason = "what was sent is not known any more, and is compared with the bucket";
    // Nothing is there, and that is known: it was deleted.
    if (known->empty() && entry.intended && entry.intended->digest.empty()) seen.live = Live::absent;
    return;
  }
  seen.reason = found.text();
  if (!seen.reason.empty()) {
    seen.drift = DriftState::yes;
    seen.diff = seen.reason + "\n";
  }
  if (found.untouched == 0 && found.changed.empty()) {
    seen.live = Live::absent;
    seen.health = Health::missing;
  }
}

}  // namespace

protocol::Observation observe_content(State& state, const protocol::ObserveRequest& request,
                                      const protocol::Entry& entry, const Cancelled& cancelled) {
  Observation seen;
  seen.id = entry.id;
  try {
    look(state, request, entry, cancelled, seen);
  } catch (const ApiError& error) {
    seen = Observation{};
    seen.id = entry.id;
    seen.reason = error.problems().front().message;
    if (error.code() != "NoSuchBucket") return seen;
    seen.live = Live::absent;
    seen.drift = DriftState::yes;
    seen.health = Health::missing;
  } catch (const Failure& failure) {
    seen = Observation{};
    seen.id = entry.id;
    seen.reason = failure.problems().front().message;
  }
  return seen;
}

}  // namespace gitopsd::aws
