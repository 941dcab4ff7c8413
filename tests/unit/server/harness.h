// A real door on a loopback port, with a certificate made on the spot.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "client.h"
#include "daemon/server/server.h"
#include "store_double.h"

namespace gitopsd::server {

/// The machine's time and what a test adds to it.
class TestClock final : public Clock {
 public:
  WallMicros wall() const override { return system_clock().wall() + added_us_; }
  Monotonic::time_point monotonic() const override {
    return system_clock().monotonic() + std::chrono::microseconds(added_us_);
  }
  void advance(std::chrono::milliseconds by) { added_us_ += by.count() * 1000; }

 private:
  std::atomic<std::int64_t> added_us_{0};
};

/// Waits for a condition that has no event of its own; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

/// Writes a self-signed P-256 certificate and its key.
void make_certificate(const std::string& certificate, const std::string& key);

class Harness {
 public:
  explicit Harness(const std::function<void(config::Config&)>& change = {});
  ~Harness();

  std::shared_ptr<config::Config> configuration() const { return std::make_shared<config::Config>(config_); }
  void start(int inherited_socket = -1);
  Client connect(ClientOptions options = {}) const;
  /// One request on a connection of its own.
  Response post(const std::string& request) const;
  Counters counters() const { return server->counters(); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<EventId> accepted() const;

  StoreDouble store;
  TestClock clock;
  std::unique_ptr<Server> server;

 private:
  std::filesystem::path folder_;
  config::Config config_;
  mutable std::mutex mutex_;
  std::vector<EventId> accepted_;
};

inline const std::string kSecret = "a-secret-of-enough-length";
inline const std::string kAfter = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";

/// A GitHub push; `padding` bytes make it larger.
std::string push_body(const std::string& ref = "refs/heads/main", std::size_t padding = 0,
                      const std::string& repository = "octo/hello");
/// The whole signed request. `extra` is further header lines, each ended.
std::string push_request(const std::string& body = push_body(), const std::string& delivery = "d-1",
                         const std::string& extra = "", const std::string& secret = kSecret);

}  // namespace gitopsd::server
