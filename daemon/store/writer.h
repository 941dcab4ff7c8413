// The one thread that writes. It commits whatever has gathered in one transaction, so that one sync of the
// disk serves many callers, and answers nobody before that sync.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "daemon/store/checkpointer.h"
#include "daemon/store/intake.h"
#include "daemon/store/transaction.h"

namespace gitopsd::store {

class Writer {
 public:
  using Work = std::function<void(Transaction&)>;

  /// `connection` is open and migrated; `path` is for messages.
  Writer(std::unique_ptr<Connection> connection, std::string path, const Options& options,
         const Clock& clock);
  /// Writes what is queued, then ends.
  ~Writer();

  void accept(std::vector<Delivery> deliveries, AcceptAllCallback done);
  /// Returns when `work` is on disk; it may run more than once. Throws what `work` threw, or Failure. Never
  /// to be called on the writer's own thread (an AcceptCallback).
  void run(Work work);
  bool writable() const { return writable_.load(std::memory_order_acquire); }

 private:
  struct IntakeJob {
    std::vector<Delivery> deliveries;
    AcceptAllCallback done;
    std::vector<Answer> answers;
  };
  struct CallJob {
    Work* work;
    std::promise<void>* done;
    std::exception_ptr error;
  };
  using Job = std::variant<IntakeJob, CallJob>;

  void post(Job job);
  void loop();
  void process(std::span<Job> batch);
  /// All in one transaction. Throws SqlError, with nothing of it stored.
  void together(std::span<Job> batch);
  /// Each delivery and each call in a transaction of its own.
  void one_by_one(std::span<Job> batch);
  void perform(IntakeJob& job);
  void perform(CallJob& job);
  template <class F>
  std::exception_ptr alone(F work);
  void undo();
  static void fail_all(std::span<Job> batch, const std::exception_ptr& error);
  static void answer(Job& job);
  std::exception_ptr failure(const SqlError& error);

  const std::string path_;
  const Clock& clock_;
  std::unique_ptr<Connection> connection_;
  Transaction transaction_;
  Intake intake_;
  std::atomic<bool> writable_{true};
  std::exception_ptr stopped_by_;  ///< the writer thread's; set once

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Job> queue_;
  bool stopping_ = false;
  Checkpointer checkpointer_;
  std::thread thread_;
};

}  // namespace gitopsd::store
