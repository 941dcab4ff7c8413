// Connections for reading: each sees the last commit, and none waits for the writer.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/store/connection.h"

namespace gitopsd::store {

class Readers {
 public:
  Readers(std::string path, std::string vfs);

  /// A connection on loan.
  class Lease {
   public:
    Lease(Readers& readers, std::unique_ptr<Connection> connection)
        : readers_(readers), connection_(std::move(connection)) {}
    ~Lease() { readers_.give_back(std::move(connection_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Connection& operator*() { return *connection_; }

   private:
    Readers& readers_;
    std::unique_ptr<Connection> connection_;
  };
  /// Opens one where none is idle, up to a bound; then waits. Throws SqlError.
  Lease take();

 private:
  std::unique_ptr<Connection> open() const;
  void give_back(std::unique_ptr<Connection>);

  const std::string path_, vfs_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  int open_ = 0;
};

}  // namespace gitopsd::store
