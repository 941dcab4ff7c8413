#include "providers/protocol/blob_reader.h"

#include <algorithm>

#include "base/hash.h"

namespace gitopsd::protocol {
namespace {

Failure wrong_bytes(const Blob& blob, const std::string& what) {
  return fail(ProblemCause::destination, "blob " + blob.digest.substr(0, 16) + ": " + what,
              "the bytes that the daemon sent are not those that the document names");
}

}  // namespace

bool BlobSlots::acquire(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (!freed_.wait_until(lock, deadline, [&] { return used_ < kMaxOpenBlobs; })) return false;
  ++used_;
  return true;
}

void BlobSlots::release() {
  std::lock_guard lock(mutex_);
  --used_;
  freed_.notify_one();
}

std::string BlobReader::read(const Blob& blob, std::size_t limit) {
  if (blob.size > limit)
    throw fail(ProblemCause::input, "a file of " + std::to_string(blob.size) + " bytes, at most " +
                                        std::to_string(limit) + " are allowed here");
  std::string bytes;
  bytes.reserve(blob.size);
  copy(blob, [&](std::string_view piece) { bytes.append(piece); });
  return bytes;
}

BlobChunk PeerBlobReader::chunk(const Blob& blob, std::uint64_t offset) {
  if (cancelled_()) throw fail(ProblemCause::transient, "cancelled while reading a blob");
  if (!slots_.acquire(deadline_)) throw fail(ProblemCause::transient, "no blob request became free in time");
  struct Release {
    BlobSlots& slots;
    ~Release() { slots.release(); }
  } release{slots_};
  BlobRequest request{blob.digest, offset, std::min<std::uint64_t>(kBlobChunk, blob.size - offset)};
  return decode_as<BlobChunk>(peer_.call("blob", encode(request), deadline_));
}

void PeerBlobReader::copy(const Blob& blob, const Sink& sink) {
  Hasher hasher;
  std::uint64_t offset = 0;
  while (offset < blob.size) {
    BlobChunk piece = chunk(blob, offset);
    if (piece.data.empty()) throw wrong_bytes(blob, "ended after " + std::to_string(offset) + " bytes");
    if (piece.data.size() > blob.size - offset) throw wrong_bytes(blob, "longer than its size");
    offset += piece.data.size();
    hasher.update(piece.data);
    sink(piece.data);
  }
  if (to_hex(hasher.finish()) != blob.digest) throw wrong_bytes(blob, "SHA-256 differs");
}

}  // namespace gitopsd::protocol
