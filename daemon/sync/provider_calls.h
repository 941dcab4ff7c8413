// The daemon's side of one stream: the calls that are open, and what its provider says besides.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "daemon/sync/provider.h"
#include "providers/protocol/peer.h"

namespace gitopsd::sync {

/// What is said of a provider's end where no more is known.
inline constexpr const char* kEnded = "it ended";

/// What the reader thread works on. Apart from the connection, which it must never be the last to hold:
/// destroying that joins the reader.
struct ProviderCalls {
  std::atomic<bool> dead{false};
  std::atomic<bool> stopping{false};  ///< it was asked to end
  std::mutex mutex;
  std::string fate{};  ///< of its process, once that has ended by itself: "exited with status 3"
  std::map<std::string, std::function<void(const protocol::Progress&)>> progress{};  ///< by sync
  std::multiset<BlobSource*> blobs{};
  std::optional<protocol::ContextChanged> context{};  ///< what it became after `initialize`
  std::optional<std::string> identity{};              ///< which destination it is, as it was told
  std::optional<protocol::Condition> another{};       ///< what to say where that is not the one that is meant
  const std::shared_ptr<Conditions> conditions = std::make_shared<Conditions>();

  void on_request(std::string_view method, const Value& params, const protocol::Peer::Handlers::Answer&,
                  const protocol::Peer::Handlers::Refuse&);
  void on_notification(std::string_view method, const Value& params, const Provider::Events&);

  /// It is this destination. Throws Failure where it cannot be told whether that is the one that is meant.
  void identified(const std::string& told, const Provider::Events&);
  bool is_another();
  /// "it exited with status 3", or just that it ended.
  std::string end_text();
  /// Throws Failure where it is not the destination that is meant.
  void expect_meant(const DestinationName&);

 private:
  void on_progress(const Value& params);
  void on_identity(const std::string& told, const Provider::Events&);
};

}  // namespace gitopsd::sync
