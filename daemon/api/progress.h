// Fans the dispatcher's progress lines out to the streams that follow them. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "daemon/api/request.h"
#include "daemon/sync/dispatcher.h"

namespace gitopsd::api {

inline constexpr std::size_t kKeptLines = 1'000;    ///< for streams that begin a moment too late
inline constexpr std::size_t kQueuedLines = 4'096;  ///< per stream; a slower reader loses the oldest

class Progress {
 public:
  /// One stream's queue. Made by `follow`, ended by `leave`.
  struct Tap {
    Follow filter;
    std::function<void()> wake;  ///< runs on the publisher's thread; must not block
    std::deque<sync::ProgressLine> lines;
    std::size_t dropped = 0;
  };
  using Handle = std::list<Tap>::iterator;

  void publish(const sync::ProgressLine&);
  /// A filtered stream begins with the kept lines that fit.
  Handle follow(const Follow&, std::function<void()> wake);
  /// No `wake` runs any more when it returns.
  void leave(Handle);

  struct Taken {
    std::deque<sync::ProgressLine> lines;
    std::size_t dropped = 0;
  };
  /// What has gathered since the last call.
  Taken take(Handle);

 private:
  std::mutex mutex_;
  std::deque<sync::ProgressLine> kept_;
  std::list<Tap> taps_;
};

}  // namespace gitopsd::api
