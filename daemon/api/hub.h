// What the sessions of both listeners share: the loop, the pools that may block, and the way to end them all.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <set>

#include "daemon/api/context.h"
#include "daemon/api/metrics.h"
#include "daemon/api/progress.h"
#include "daemon/api/request.h"

namespace gitopsd::api {

class Session;

inline constexpr std::size_t kSessions = 128;  ///< open connections of both listeners together
inline constexpr int kSlowCalls = 8;           ///< plans and verifications that run or wait for a thread
inline constexpr int kStreams = 32;

/// One kind of door: what answers its requests, on a thread of a pool.
struct Door {
  std::function<Reply(const RawRequest&)> answer;
  std::function<bool(const RawRequest&)> slow;
  bool peers = false;  ///< a Unix socket, whose peers have credentials
};

/// Its members belong to the loop's thread, but for the pools.
struct Hub {
  explicit Hub(Context& c) : context(c) {}

  Context& context;
  /// Shared with the dispatcher's callback, which may run a moment longer than the hub.
  std::shared_ptr<Progress> progress = std::make_shared<Progress>();
  Metrics metrics;
  boost::asio::io_context io{1};
  boost::asio::thread_pool quick{3};
  boost::asio::thread_pool slow{2};
  std::set<Session*> sessions;
  int slow_calls = 0;
  int streams = 0;
  bool stopping = false;
};

/// The completion token of every operation here: a coroutine's own, with errors as values.
inline auto to_error(boost::system::error_code& error) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, error);
}

/// Runs `work` on a pool and comes back to the caller's executor with its result.
template <class Work>
auto on_pool(boost::asio::thread_pool& pool, Work work) -> boost::asio::awaitable<decltype(work())> {
  using Result = decltype(work());
  auto job = [work = std::move(work)]() -> boost::asio::awaitable<Result> { co_return work(); };
  Result result =
      co_await boost::asio::co_spawn(pool.get_executor(), std::move(job), boost::asio::use_awaitable);
  co_return result;
}

}  // namespace gitopsd::api
