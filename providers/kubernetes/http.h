// HTTP to one API server: many requests over one HTTP/2 connection, by libcurl on a thread of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "providers/kubernetes/credentials.h"

namespace gitopsd::kubernetes {

struct HttpRequest {
  std::string method = "GET";
  std::string path;  ///< with its query, already escaped
  std::string body, content_type;
  std::string accept = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  bool first = false;                         ///< before those that wait
  std::chrono::milliseconds timeout{30'000};  ///< of one attempt; of a stream: until its head
};

struct HttpResponse {
  int status = 0;            ///< 0: no answer, and `error` says why
  std::string body;          ///< of a stream: only of one that was refused
  std::string error;         ///< for people
  std::string etag;          ///< the header, or empty
  bool certificate = false;  ///< one of the two sides' certificates was not taken
};

/// Thread-safe. Waits as the server asks with 429 and Retry-After (API priority and fairness), and asks once
/// more with a new credential after a 401.
class HttpClient {
 public:
  struct Options {
    int in_flight = 12;                   ///< beyond it requests wait; the server's own limit is 100 streams
    std::size_t body_bytes = 256u << 20;  ///< of one answer; beyond it the request fails
    /// Called, on a thread that must not wait, when no answer came or credentials were refused, and when a
    /// stream ended.
    std::function<void()> trouble;
    /// Called, on that thread, when a request took a new connection.
    std::function<void()> connected{};
    /// Whether something may be written with that kubeconfig (Credential::kubeconfig); always, where it is
    /// missing.
    std::function<bool(std::uint64_t kubeconfig)> may_write{};
  };
  using Done = std::function<void(HttpResponse)>;
  /// Gets the bytes of a stream as they come; none, first of all, when the server has taken the request.
  using Chunk = std::function<void(std::string_view)>;

  HttpClient(std::shared_ptr<Credentials>, Options);
  /// Every request that is open ends with an error, and each `done` has been called.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// `done` runs on the client's thread and must not block.
  void start(HttpRequest, Done done);
  /// Waits for the answer. Never to be called on the client's thread.
  HttpResponse send(HttpRequest);
  /// An answer without end. `chunk` and `done` run on the client's thread; `done` comes last, also after
  /// close().
  using StreamId = std::uint64_t;
  StreamId open(HttpRequest, Chunk chunk, Done done);
  void close(StreamId);

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace gitopsd::kubernetes
