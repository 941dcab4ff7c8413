#include "daemon/sync/blob_facts.h"

#include <mutex>
#include <unordered_map>

#include "base/hash.h"

namespace gitopsd::sync {
namespace {

/// Some 4 MB; two generations of this, so that what is used stays.
constexpr std::size_t kMost = 10'000;

class Memory {
 public:
  const BlobFacts* find(const CommitId& blob) {
    if (const auto found = newer_.find(blob); found != newer_.end()) return &found->second;
    const auto found = older_.find(blob);
    return found == older_.end() ? nullptr : &put(blob, found->second);
  }
  const BlobFacts& put(const CommitId& blob, BlobFacts facts) {
    if (newer_.size() >= kMost) {
      older_ = std::move(newer_);
      newer_.clear();
    }
    return newer_.insert_or_assign(blob, std::move(facts)).first->second;
  }

  std::mutex mutex;

 private:
  std::unordered_map<CommitId, BlobFacts> newer_, older_;
};

}  // namespace

BlobFacts facts_of(const source::Snapshot& snapshot, const source::TreeEntry& file, std::size_t limit) {
  static Memory memory;
  {
    const std::lock_guard lock(memory.mutex);
    const BlobFacts* known = memory.find(file.id);
    if (known && known->size <= limit) return *known;
  }
  const std::string bytes = snapshot.read(file.id, file.path, limit);
  BlobFacts facts{to_hex(sha256(bytes)), bytes.size()};
  const std::lock_guard lock(memory.mutex);
  return memory.put(file.id, std::move(facts));
}

}  // namespace gitopsd::sync
