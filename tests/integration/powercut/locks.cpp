#include "tests/integration/powercut/locks.h"

#include <sqlite3.h>

#include <algorithm>

namespace gitopsd::powercut {

bool Locks::others_hold(const void* who, int level) const {
  return std::any_of(held_.begin(), held_.end(),
                     [&](const auto& h) { return h.first != who && h.second >= level; });
}

int Locks::lock(const void* who, int level) {
  const std::lock_guard guard(mutex_);
  int& mine = held_[who];
  if (mine >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED && others_hold(who, SQLITE_LOCK_PENDING)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_RESERVED && others_hold(who, SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE) {
    if (others_hold(who, SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
    mine = SQLITE_LOCK_PENDING;
    if (others_hold(who, SQLITE_LOCK_SHARED)) return SQLITE_BUSY;
  }
  mine = level;
  return SQLITE_OK;
}

int Locks::unlock(const void* who, int level) {
  const std::lock_guard guard(mutex_);
  int& mine = held_[who];
  mine = std::min(mine, level);
  return SQLITE_OK;
}

bool Locks::reserved() {
  const std::lock_guard guard(mutex_);
  return others_hold(nullptr, SQLITE_LOCK_RESERVED);
}

char* Locks::region(int index, int size, bool extend) {
  const std::lock_guard guard(mutex_);
  while (extend && static_cast<int>(regions_.size()) <= index) {
    regions_.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  }
  return index < static_cast<int>(regions_.size()) ? regions_[static_cast<std::size_t>(index)].get()
                                                   : nullptr;
}

int Locks::lock_slots(const void* who, int first, int count, bool exclusive, bool take) {
  const std::lock_guard guard(mutex_);
  for (int i = first; take && i < first + count; ++i) {
    const auto& slot = slots_.at(static_cast<std::size_t>(i));
    if (slot.exclusive && slot.exclusive != who) return SQLITE_BUSY;
    const auto others = slot.shared.size() - slot.shared.count(who);
    if (exclusive && others > 0) return SQLITE_BUSY;
  }
  for (int i = first; i < first + count; ++i) {
    auto& slot = slots_.at(static_cast<std::size_t>(i));
    if (exclusive) {
      slot.exclusive = take ? who : nullptr;
    } else if (take) {
      slot.shared[who]++;
    } else {
      slot.shared.erase(who);
    }
  }
  return SQLITE_OK;
}

void Locks::leave(const void* who) {
  const std::lock_guard guard(mutex_);
  held_.erase(who);
  for (auto& slot : slots_) {
    if (slot.exclusive == who) slot.exclusive = nullptr;
    slot.shared.erase(who);
  }
  if (held_.empty()) regions_.clear();
}

}  // namespace gitopsd::powercut
