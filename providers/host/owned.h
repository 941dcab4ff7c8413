// The provider's own list of what it made: hosts carry no owner marks. `list` answers from it, and nothing
// that is not in it is ever deleted.
//
// An append-only log rather than a database: a few hundred bytes a resource, one writer, all of it in memory,
// and a process that runs as root should hold little code. Each line carries its own check: a torn last line
// is a crash and is dropped, a damaged line before it refuses the start. Where most lines are past, it is
// written anew beside and takes the old one's place.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/types.h"
#include "providers/protocol/messages.h"

namespace gitopsd::host {

class OwnedList {
 public:
  struct Record {
    protocol::Owner owner;
    std::string digest;    ///< of the document
    std::string receipt;   ///< as the daemon was told
    bool adopted = false;  ///< it was there before us
  };
  /// A write that began and has not ended: what a crash leaves to be looked at.
  struct Begun {
    Record record;       ///< what it will be; the receipt is empty until it is known
    std::string prefix;  ///< of the policy, to find the place again
    bool removal = false;
  };

  /// Opens or makes `directory`/owned.log, alone (flock). Throws Failure.
  explicit OwnedList(const std::string& directory);

  std::optional<Record> find(const ResourceId& id) const;
  std::map<ResourceId, Record> all() const;
  std::map<ResourceId, Begun> all_begun() const;
  /// Those beneath a folder, in order.
  std::vector<ResourceId> beneath(const std::string& folder) const;

  // Each appends; what the caller tells the daemon needs `sync` first.
  void begin(const ResourceId& id, const Begun& begun);
  void own(const ResourceId& id, const Record& record);
  void forget(const ResourceId& id);
  /// Ends a begun write that changed nothing.
  void undo(const ResourceId& id);
  /// Returns when everything appended so far is on disk; callers that wait together share one sync.
  void sync();

 private:
  static constexpr std::size_t kCompactLines = 4096;

  void load();
  void apply(const Value& line);
  void append(const Value& line);
  void compact_if_long();
  void compact();
  bool in_place() const;

  std::string path_;
  Fd lock_, log_;
  mutable std::mutex mutex_;
  std::condition_variable synced_changed_;
  std::map<ResourceId, Record> records_;
  std::map<ResourceId, Begun> begun_;
  std::size_t lines_ = 0, compact_beyond_ = kCompactLines;
  std::uint64_t written_ = 0, synced_ = 0;
  bool syncing_ = false, broken_ = false;
};

}  // namespace gitopsd::host
