// A fetch in Git's protocol, versions 2, 1 and 0: which refs there are, and a pack of what is missing.
// Protocol: gitprotocol-v2(5), gitprotocol-pack(5). One request a step, so that a fetch costs two or three
// round trips.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/source/packet.h"
#include "daemon/source/service.h"

namespace gitopsd::source {

struct RemoteRef {
  std::string name;
  CommitId id;      ///< what the ref names, which may be a tag object
  CommitId peeled;  ///< what that tag object names at last, or empty
};

/// Takes the next bytes of a pack.
using PackSink = std::function<void(std::string_view)>;

class UploadPack {
 public:
  explicit UploadPack(std::unique_ptr<Service> service) : service_(std::move(service)), packets_(*service_) {}

  /// The refs whose names begin with one of `prefixes` (and maybe others). Throws Failure: cause input for a
  /// SHA-256 repository.
  std::vector<RemoteRef> refs(const Operation&, const std::vector<std::string>& prefixes);
  /// After refs(). False where the server will not give one of `wants`; then nothing was sent to the sink.
  bool fetch(const Operation&, const std::vector<CommitId>& wants, const std::vector<CommitId>& haves,
             const PackSink&);
  void finish(const Operation&);
  /// Gives up the connection and its buffers; what is known about the server stays.
  void hang_up();
  /// Old versions give one pack a connection, unless each request stands alone.
  bool can_fetch() const { return version_ == 2 || service_->stateless() || !fetched_; }
  /// Fit for another operation.
  bool keeps() const { return version_ == 2 && service_->stateless(); }

 private:
  using Prefixes = std::vector<std::string>;

  /// Reads the advertisement; in versions 0 and 1 that is the refs themselves.
  std::vector<RemoteRef> start(const Operation&, const Prefixes&);
  std::vector<RemoteRef> read_refs_v0(const Operation&, Packet first, const Prefixes&);
  std::vector<RemoteRef> refs_v2(const Operation&, const Prefixes&);
  void read_capabilities_v2(const Operation&);
  void note_capability(const Operation&, std::string_view word);
  bool has_capability(std::string_view name) const;
  std::string command_v2(std::string_view name) const;
  std::string fetch_request_v2(const std::vector<CommitId>& wants, const std::vector<CommitId>& haves) const;
  std::string fetch_request_v0(const std::vector<CommitId>& wants, const std::vector<CommitId>& haves) const;
  bool receive(const Operation&, const PackSink&);
  Packet data(const Operation&);

  std::unique_ptr<Service> service_;
  PacketReader packets_;
  int version_ = -1;
  bool fetched_ = false;
  bool refused_ = false;  ///< by the last fetch
  std::vector<std::string> capabilities_;
  std::vector<RemoteRef> advertised_;  ///< versions 0 and 1: only what is advertised may be asked for
};

}  // namespace gitopsd::source
