#include "providers/host/state.h"

#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "providers/host/path.h"
#include "providers/host/write.h"
#include "providers/protocol/state_folder.h"

namespace gitopsd::host {
namespace {

// File times advance by the kernel's tick, at most 10 ms; some file systems are coarser.
constexpr std::int64_t kSettleNanoseconds = 50'000'000;

std::int64_t now_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

bool Verified::holds(const ResourceId& id, const Seen& seen, const Facts& facts) const {
  std::lock_guard lock(mutex_);
  auto found = known_.find(id);
  return found != known_.end() && found->second.first == seen.fingerprint &&
         found->second.second == facts.content;
}

void Verified::add(const ResourceId& id, const Seen& seen, const Facts& facts) {
  if (now_nanoseconds() - seen.fingerprint.changed < kSettleNanoseconds) return;
  std::lock_guard lock(mutex_);
  known_[id] = {seen.fingerprint, facts.content};
}

void Verified::forget(const ResourceId& id) {
  std::lock_guard lock(mutex_);
  known_.erase(id);
}

InFlight::Hold::Hold(InFlight& all, const ResourceId& id) : all_(all), id_(id) {
  std::unique_lock lock(all_.mutex_);
  all_.changed_.wait(lock, [&] { return !all_.ids_.contains(id_); });
  all_.ids_.insert(id_);
}

InFlight::Hold::~Hold() {
  {
    std::lock_guard lock(all_.mutex_);
    all_.ids_.erase(id_);
    all_.changed_.notify_all();
  }
  if (all_.ended) all_.ended();
}

bool InFlight::contains(const ResourceId& id) const {
  std::lock_guard lock(mutex_);
  return ids_.contains(id);
}

State::State(const std::string& directory)
    : key(protocol::load_state_key(directory)),
      key_id(to_hex(sha256(key.reveal())).substr(0, 8)),
      owned(directory) {
  settle_begun();
}

void State::settle_begun() {
  for (const auto& [id, begun] : owned.all_begun()) {
    const std::string path = path_of(id);
    try {
      auto place = open_place(begun.prefix, path);
      if (place) remove_leftover(*place);
      const Facts facts = place ? look(*place, &key).facts : Facts{};
      const auto receipt = receipt_of(begun.record.receipt);
      if (begun.removal && facts.type == Type::absent) {
        owned.forget(id);
      } else if (!begun.removal && receipt && facts == receipt->facts) {
        owned.own(id, begun.record);
      } else {
        owned.undo(id);
      }
    } catch (const Failure& e) {
      log::warning("could not look at what a crash left; its next step will",
                   {{"path", path}, {"why", e.what()}});
    }
  }
  owned.sync();
}

}  // namespace gitopsd::host
