// Between the door and the store's writer: deliveries go over in batches, and come back in batches.
#pragma once

#include <optional>
#include <vector>

#include "daemon/server/loop.h"
#include "daemon/server/server.h"

namespace gitopsd::server {

/// Belongs to the door's thread; the store's callback only writes the results of its own batch.
class Handover {
 public:
  using Result = store::Answer;

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
  using Batch = std::vector<Waiting*>;
  void enqueue(Waiting& waiting);
  void flush();
  void resume(const Batch& batch);

  asio::io_context& io_;
  const Environment& environment_;
  Batch gathering_;
};

}  // namespace gitopsd::server
