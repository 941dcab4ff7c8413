#include "daemon/store/writer.h"

#include <pthread.h>

#include "base/log.h"
#include "base/problem.h"

namespace gitopsd::store {

Writer::Writer(std::unique_ptr<Connection> connection, std::string path, const Options& options,
               const Clock& clock)
    : path_(std::move(path)),
      clock_(clock),
      connection_(std::move(connection)),
      transaction_(*connection_),
      checkpointer_(*connection_, path_, options),
      thread_([this] { loop(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void Writer::accept(std::vector<Delivery> deliveries, AcceptAllCallback done) {
  std::vector<Answer> answers(deliveries.size());
  post(IntakeJob{std::move(deliveries), std::move(done), std::move(answers)});
}

void Writer::run(Work work) {
  std::promise<void> done;
  post(CallJob{&work, &done, {}});
  done.get_future().get();
}

void Writer::post(Job job) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = queue_.empty();
    queue_.push_back(std::move(job));
  }
  if (wake) ready_.notify_one();
}

void Writer::loop() {
  ::pthread_setname_np(::pthread_self(), "store-writer");
  std::vector<Job> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
    }
    process(batch);
    for (auto& job : batch) answer(job);
    batch.clear();
  }
}

void Writer::process(std::span<Job> batch) {
  if (!writable()) return fail_all(batch, stopped_by_);
  try {
    together(batch);
  } catch (const SqlError& error) {
    undo();
    if (!error.concerns_one()) return fail_all(batch, failure(error));
    one_by_one(batch);
  }
  try {
    checkpointer_.after_commit();
  } catch (const SqlError& error) {
    failure(error);
  }
}

void Writer::together(std::span<Job> batch) {
  transaction_.begin(clock_.wall());
  for (auto& job : batch) {
    std::visit([this](auto& j) { perform(j); }, job);
  }
  transaction_.commit();
}

void Writer::one_by_one(std::span<Job> batch) {
  for (auto& job : batch) {
    if (auto* call = std::get_if<CallJob>(&job)) {
      call->error = alone([&] { (*call->work)(transaction_); });
      continue;
    }
    auto& intake = std::get<IntakeJob>(job);
    for (std::size_t i = 0; i < intake.deliveries.size(); ++i) {
      auto& answer = intake.answers[i];
      answer.error = alone([&] { answer.accepted = intake_.accept(transaction_, intake.deliveries[i]); });
    }
  }
}

template <class F>
std::exception_ptr Writer::alone(F work) {
  if (!writable()) return stopped_by_;
  try {
    transaction_.begin(clock_.wall());
    work();
    transaction_.commit();
    return nullptr;
  } catch (const SqlError& error) {
    undo();
    return failure(error);
  } catch (...) {
    undo();
    return std::current_exception();
  }
}

void Writer::perform(IntakeJob& job) {
  for (std::size_t i = 0; i < job.deliveries.size(); ++i) {
    job.answers[i].accepted = intake_.accept(transaction_, job.deliveries[i]);
  }
}

void Writer::perform(CallJob& job) {
  transaction_.begin_part();
  try {
    (*job.work)(transaction_);
    transaction_.end_part();
  } catch (const SqlError&) {
    throw;
  } catch (...) {
    job.error = std::current_exception();
    transaction_.rollback_part();
  }
}

void Writer::undo() {
  transaction_.rollback();
  intake_.forget();
}

void Writer::fail_all(std::span<Job> batch, const std::exception_ptr& error) {
  for (auto& job : batch) {
    if (auto* call = std::get_if<CallJob>(&job)) {
      call->error = error;
    } else {
      for (auto& answer : std::get<IntakeJob>(job).answers) answer = {{}, error};
    }
  }
}

void Writer::answer(Job& job) {
  if (auto* call = std::get_if<CallJob>(&job)) {
    if (call->error) {
      call->done->set_exception(call->error);
    } else {
      call->done->set_value();
    }
    return;
  }
  auto& intake = std::get<IntakeJob>(job);
  try {
    intake.done(std::move(intake.answers));
  } catch (const std::exception& e) {
    log::error("a callback of the store threw", {{"error", e.what()}});
  }
}

std::exception_ptr Writer::failure(const SqlError& error) {
  const std::string what = path_ + ": " + error.what() + " (SQLite " + std::to_string(error.code()) + ")";
  if (error.no_room()) {
    return std::make_exception_ptr(fail(ProblemCause::transient, "no room to store: " + what,
                                        "free space on that file system; nothing that was accepted is lost"));
  }
  if (!error.fatal()) {
    return std::make_exception_ptr(fail(ProblemCause::internal, "the store refused a write: " + what));
  }
  // After a failed sync nobody knows what the kernel dropped, so a second try could lie. Only a new start,
  // which reads what is really there, can tell.
  stopped_by_ = std::make_exception_ptr(
      fail(ProblemCause::destination, "the store has stopped writing for good: " + what,
           "check the disk, then restart gitopsd; nothing that was accepted is lost"));
  writable_.store(false, std::memory_order_release);
  log::error("the store has stopped writing for good", {{"path", path_}, {"error", error.what()}});
  return stopped_by_;
}

}  // namespace gitopsd::store
