#include "daemon/store/checkpointer.h"

#include <pthread.h>
#include <sqlite3.h>

#include <cerrno>

namespace gitopsd::store {
namespace {

struct Copied {
  int in_wal = 0;
  int copied = 0;
};

Copied checkpoint(Connection& connection) {
  Copied out;
  const int code = sqlite3_wal_checkpoint_v2(connection.handle(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                             &out.in_wal, &out.copied);
  // A reader or the other thread is in the way: later. No room: the WAL keeps everything meanwhile.
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) return out;
  SqlError error(code, sqlite3_system_errno(connection.handle()), sqlite3_errmsg(connection.handle()));
  if (error.fatal()) throw error;
  return out;
}

/// SQLite syncs the database only in the checkpoint that copies the last page, which is the writer's: without
/// this that one would wait for all that was copied here.
void sync_database(Connection& connection) {
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr)
    return;
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code != SQLITE_OK) throw SqlError(code, errno, "cannot sync the database");
}

}  // namespace

Checkpointer::Checkpointer(Connection& writer, const std::string& path, const Options& options)
    : writer_(writer),
      connection_(path, Connection::Mode::write, options.vfs),
      pages_at_most_(options.checkpoint_pages),
      threshold_(pages_at_most_) {
  connection_.execute("PRAGMA synchronous = FULL");
  sqlite3_wal_hook(writer_.handle(), committed, this);
  thread_ = std::thread([this] { loop(); });
}

Checkpointer::~Checkpointer() {
  sqlite3_wal_hook(writer_.handle(), nullptr, nullptr);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

int Checkpointer::committed(void* self, sqlite3*, const char*, int pages) {
  static_cast<Checkpointer*>(self)->pages_ = pages;
  return SQLITE_OK;
}

void Checkpointer::after_commit() {
  switch (state_.load(std::memory_order_acquire)) {
    case State::requested:
      return;
    case State::idle: {
      if (pages_ < threshold_) return;
      {
        const std::lock_guard lock(mutex_);
        state_ = State::requested;
      }
      wake_.notify_one();
      return;
    }
    case State::copied: {
      if (error_) throw *error_;
      const Copied tail = checkpoint(writer_);
      // A reader that still needs the WAL keeps it from starting again: do not try at every commit.
      threshold_ = tail.copied == tail.in_wal ? pages_at_most_ : tail.in_wal + pages_at_most_;
      state_ = State::idle;
      return;
    }
  }
}

void Checkpointer::loop() {
  ::pthread_setname_np(::pthread_self(), "store-checkpt");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || state_ == State::requested; });
    if (stopping_) return;
    lock.unlock();
    try {
      checkpoint(connection_);
      sync_database(connection_);
    } catch (const SqlError& error) {
      error_ = error;
    }
    lock.lock();
    state_.store(State::copied, std::memory_order_release);
  }
}

}  // namespace gitopsd::store
