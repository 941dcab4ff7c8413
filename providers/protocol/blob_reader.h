// Reads blobs from the daemon over a Peer.
#pragma once

#include <condition_variable>
#include <mutex>

#include "providers/protocol/peer.h"
#include "providers/protocol/service.h"

namespace gitopsd::protocol {

/// At most kMaxOpenBlobs of these are held at once by all calls of a stream.
class BlobSlots {
 public:
  /// False when none became free before the deadline.
  bool acquire(Deadline deadline);
  void release();

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  int used_ = 0;
};

class PeerBlobReader : public BlobReader {
 public:
  PeerBlobReader(Peer& peer, BlobSlots& slots, std::function<bool()> cancelled, Deadline deadline)
      : peer_(peer), slots_(slots), cancelled_(std::move(cancelled)), deadline_(deadline) {}
  void copy(const Blob&, const Sink& sink) override;

 private:
  BlobChunk chunk(const Blob&, std::uint64_t offset);

  Peer& peer_;
  BlobSlots& slots_;
  std::function<bool()> cancelled_;
  Deadline deadline_;
};

}  // namespace gitopsd::protocol
