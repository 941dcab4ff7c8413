// Digest and size of files of the repository, each worked out once: a push that changes one file of a folder
// reads that one, and not all that a document needs of it.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "daemon/source/mirror.h"

namespace gitopsd::sync {

struct BlobFacts {
  std::string digest;  ///< hex SHA-256 of the bytes
  std::uint64_t size = 0;
};

/// Of what Git's id names, which never changes. It forgets what was not asked for long.
class BlobMemory {
 public:
  /// Throws as Snapshot::read does.
  BlobFacts facts_of(const source::Snapshot&, const source::TreeEntry&, std::size_t limit);

 private:
  const BlobFacts* find(const CommitId& blob);
  const BlobFacts& put(const CommitId& blob, BlobFacts facts);

  std::unordered_map<CommitId, BlobFacts> newer_, older_;
};

}  // namespace gitopsd::sync
