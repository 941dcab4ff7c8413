// What connections of one process share beside the bytes of a file: SQLite's file locks and the WAL's index.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gitopsd::powercut {

/// Locks of one database file and its shared memory, for connections that are told apart by a pointer.
class Locks {
 public:
  // SQLite's five file locks; each returns an SQLite code.
  int lock(const void* who, int level);
  int unlock(const void* who, int level);
  bool reserved();

  // Shared memory: regions and eight slots of shared and exclusive locks.
  char* region(int index, int size, bool extend);
  int lock_slots(const void* who, int first, int count, bool exclusive, bool take);
  void leave(const void* who);

 private:
  struct Slot {
    const void* exclusive = nullptr;
    std::map<const void*, int> shared;
  };
  bool others_hold(const void* who, int level) const;

  std::mutex mutex_;
  std::map<const void*, int> held_;
  std::vector<std::unique_ptr<char[]>> regions_;
  std::array<Slot, 8> slots_;
};

}  // namespace gitopsd::powercut
