// Moves the WAL into the database off the writer's path. The checkpointer copies most of it while writes go
// on; the few pages that came meanwhile are the writer's, after which the WAL starts again from its
// beginning.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "daemon/store/connection.h"
#include "daemon/store/options.h"

namespace gitopsd::store {

class Checkpointer {
 public:
  Checkpointer(Connection& writer, const std::string& path, const Options& options);
  ~Checkpointer();

  /// On the writer's thread, between transactions. Throws SqlError, of either thread's checkpoint.
  void after_commit();

 private:
  enum class State { idle, requested, copied };
  static int committed(void* self, sqlite3*, const char*, int pages);
  void loop();

  Connection& writer_;
  Connection connection_;
  const int pages_at_most_;
  int threshold_;  ///< the writer's
  int pages_ = 0;  ///< in the WAL; the writer's
  std::atomic<State> state_{State::idle};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::optional<SqlError> error_;
  std::thread thread_;
};

}  // namespace gitopsd::store
