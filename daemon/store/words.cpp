#include <array>

#include "daemon/store/store.h"

namespace gitopsd::store {
namespace {

constexpr std::array<std::string_view, 7> kCauses = {"push",     "poll",    "redelivery", "replay",
                                                     "rollback", "context", "manual"};
constexpr std::array<std::string_view, 8> kEventStates = {"queued", "running",    "held",    "succeeded",
                                                          "failed", "superseded", "ignored", "cancelled"};
constexpr std::array<std::string_view, 8> kSyncStates = {
    "queued", "running", "held", "waiting_health", "succeeded", "failed", "superseded", "cancelled"};

}  // namespace

std::string_view to_string(Cause cause) {
  return kCauses.at(static_cast<std::size_t>(cause));
}
std::string_view to_string(EventState state) {
  return kEventStates.at(static_cast<std::size_t>(state));
}
std::string_view to_string(SyncState state) {
  return kSyncStates.at(static_cast<std::size_t>(state));
}

std::optional<EventState> event_state(std::string_view word) {
  for (std::size_t i = 0; i < kEventStates.size(); ++i) {
    if (kEventStates[i] == word) return static_cast<EventState>(i);
  }
  return std::nullopt;
}

}  // namespace gitopsd::store
