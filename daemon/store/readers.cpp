#include "daemon/store/readers.h"

namespace gitopsd::store {
namespace {
constexpr int kMost = 8;
}

Readers::Readers(std::string path, std::string vfs) : path_(std::move(path)), vfs_(std::move(vfs)) {
  idle_.reserve(kMost);
}

std::unique_ptr<Connection> Readers::open() const {
  auto connection = std::make_unique<Connection>(path_, Connection::Mode::read, vfs_);
  connection->execute("PRAGMA query_only = ON");
  return connection;
}

Readers::Lease Readers::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return !idle_.empty() || open_ < kMost; });
  if (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return Lease(*this, std::move(connection));
  }
  ++open_;
  lock.unlock();
  try {
    return Lease(*this, open());
  } catch (...) {
    lock.lock();
    --open_;
    lock.unlock();
    returned_.notify_one();
    throw;
  }
}

void Readers::give_back(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

}  // namespace gitopsd::store
