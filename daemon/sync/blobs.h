// Serves the blobs of one call's documents to a provider, in chunks, from the repository's object database.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "daemon/source/mirror.h"
#include "daemon/sync/item.h"
#include "daemon/sync/provider.h"

namespace gitopsd::sync {

class SnapshotBlobs : public BlobSource {
 public:
  explicit SnapshotBlobs(std::shared_ptr<const source::Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  void add(const BlobRef& ref);
  protocol::BlobChunk read(const std::string& digest, std::uint64_t offset, std::uint64_t length) override;

 private:
  std::shared_ptr<const source::Snapshot> snapshot_;
  std::mutex mutex_;
  std::map<std::string, BlobRef> refs_;
  // The last blob read: providers read one blob in order, chunk by chunk.
  std::string cached_digest_, cached_;
};

}  // namespace gitopsd::sync
