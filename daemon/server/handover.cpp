#include "daemon/server/handover.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace gitopsd::server {

Task<Handover::Result> Handover::store(store::Delivery& delivery) {
  Waiting waiting;
  waiting.delivery = std::move(delivery);
  const auto start = [&](auto resume) {
    waiting.resume.emplace(std::move(resume));
    enqueue(waiting);
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(start, kResume);
  co_return std::move(waiting.result);
}

void Handover::enqueue(Waiting& waiting) {
  gathering_.push_back(&waiting);
  // Posted, not run at once: everything that is ready now joins the batch first.
  if (gathering_.size() == 1) asio::post(io_, [this] { flush(); });
}

void Handover::flush() {
  const auto batch = std::exchange(gathering_, {});
  for (Waiting* waiting : batch) {
    try {
      environment_.store->accept(std::move(waiting->delivery),
                                 [this, waiting](store::Accepted accepted, std::exception_ptr error) {
                                   finished(*waiting, std::move(accepted), std::move(error));
                                 });
    } catch (...) {
      finished(*waiting, {}, std::current_exception());
    }
  }
}

void Handover::finished(Waiting& waiting, store::Accepted accepted, std::exception_ptr error) {
  waiting.result = {std::move(accepted), std::move(error)};
  const std::lock_guard lock(mutex_);
  finished_.push_back(&waiting);
  if (finished_.size() == 1) asio::post(io_, [this] { resume_finished(); });
}

void Handover::resume_finished() {
  std::vector<Waiting*> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(finished_);
  }
  std::vector<EventId> events;
  for (const Waiting* waiting : batch) {
    const Result& result = waiting->result;
    if (!result.error && result.accepted.kind != store::Accepted::Kind::duplicate)
      events.insert(events.end(), result.accepted.events.begin(), result.accepted.events.end());
  }
  if (!events.empty() && environment_.accepted) environment_.accepted(events);
  for (Waiting* waiting : batch) {
    Resumer resume = std::move(*waiting->resume);
    std::move(resume)();
  }
}

}  // namespace gitopsd::server
