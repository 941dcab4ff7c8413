// Between the door and the store's writer: deliveries go over in batches, and come back in batches.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "daemon/server/loop.h"
#include "daemon/server/server.h"

namespace gitopsd::server {

/// Belongs to the door's thread but for the store's callback.
class Handover {
 public:
  struct Result {
    store::Accepted accepted;
    std::exception_ptr error;  ///< nothing is stored
  };

  Handover(asio::io_context& io, const Environment& environment) : io_(io), environment_(environment) {}

  /// Returns once the delivery is on disk, or known not to be. The store always answers, so there is no
  /// deadline.
  /// Takes the delivery's contents.
  Task<Result> store(store::Delivery& delivery);

 private:
  struct Waiting {
    store::Delivery delivery;
    Result result;
    std::optional<Resumer> resume;
  };
  void enqueue(Waiting& waiting);
  void flush();
  void finished(Waiting& waiting, store::Accepted accepted, std::exception_ptr error);
  void resume_finished();

  asio::io_context& io_;
  const Environment& environment_;
  std::vector<Waiting*> gathering_;
  std::mutex mutex_;
  std::vector<Waiting*> finished_;
};

}  // namespace gitopsd::server
