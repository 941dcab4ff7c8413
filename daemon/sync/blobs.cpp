#include "daemon/sync/blobs.h"

#include <algorithm>

#include "daemon/render/render.h"

namespace gitopsd::sync {

void SnapshotBlobs::add(const BlobRef& ref) {
  std::lock_guard lock(mutex_);
  refs_.emplace(ref.digest, ref);
}

protocol::BlobChunk SnapshotBlobs::read(const std::string& digest, std::uint64_t offset,
                                        std::uint64_t length) {
  std::lock_guard lock(mutex_);
  if (digest != cached_digest_) {
    auto it = refs_.find(digest);
    if (it == refs_.end())
      throw fail(ProblemCause::internal, "no open call names the blob " + digest.substr(0, 64));
    if (!snapshot_)
      throw fail(ProblemCause::transient,
                 "the commit that holds " + it->second.path + " is not in the mirror");
    cached_ = snapshot_->read(it->second.blob, it->second.path, render::Limits{}.blob_bytes);
    cached_digest_ = digest;
  }
  const std::uint64_t start = std::min<std::uint64_t>(offset, cached_.size());
  const std::uint64_t count = std::min<std::uint64_t>({length, protocol::kBlobChunk, cached_.size() - start});
  protocol::BlobChunk chunk{cached_.substr(start, count), start + count == cached_.size()};
  if (chunk.eof) {  // frees a large one as soon as it was read to its end
    cached_.clear();
    cached_.shrink_to_fit();
    cached_digest_.clear();
  }
  return chunk;
}

}  // namespace gitopsd::sync
