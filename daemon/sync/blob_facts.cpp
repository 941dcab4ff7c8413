#include "daemon/sync/blob_facts.h"

#include <utility>

#include "base/hash.h"

namespace gitopsd::sync {
namespace {

/// Some 2 MB; two generations of this, so that what is used stays.
constexpr std::size_t kMostFacts = 10'000;

}  // namespace

const BlobFacts* BlobMemory::find(const CommitId& blob) {
  if (const auto found = newer_.find(blob); found != newer_.end()) return &found->second;
  const auto found = older_.find(blob);
  return found == older_.end() ? nullptr : &put(blob, found->second);
}

const BlobFacts& BlobMemory::put(const CommitId& blob, BlobFacts facts) {
  if (newer_.size() >= kMostFacts) older_ = std::exchange(newer_, {});
  return newer_.insert_or_assign(blob, std::move(facts)).first->second;
}

BlobFacts BlobMemory::facts_of(const source::Snapshot& snapshot, const source::TreeEntry& file,
                               std::size_t limit) {
  const BlobFacts* known = find(file.id);
  if (known && known->size <= limit) return *known;
  const std::string bytes = snapshot.read(file.id, file.path, limit);
  return put(file.id, {to_hex(sha256(bytes)), bytes.size()});
}

}  // namespace gitopsd::sync
