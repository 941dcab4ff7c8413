#include "daemon/server/handover.h"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

namespace gitopsd::server {
namespace {

constexpr std::size_t kFullBatch = 24;

}  // namespace

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
  // Posted, not run at once: what is ready now joins the batch first. Yet a full one goes, so that the writer
  // and the door work at the same time.
  if (gathering_.size() == 1) asio::post(io_, [this] { flush(); });
  if (gathering_.size() == kFullBatch) flush();
}

void Handover::flush() {
  if (gathering_.empty()) return;
  auto batch = std::make_shared<Batch>(std::exchange(gathering_, {}));
  std::vector<store::Delivery> deliveries;
  deliveries.reserve(batch->size());
  for (Waiting* waiting : *batch) deliveries.push_back(std::move(waiting->delivery));
  try {
    environment_.store->accept_all(std::move(deliveries), [this, batch](std::vector<store::Answer> answers) {
      for (std::size_t i = 0; i < batch->size(); ++i) (*batch)[i]->result = std::move(answers[i]);
      asio::post(io_, [this, batch] { resume(*batch); });
    });
  } catch (...) {
    for (Waiting* waiting : *batch) waiting->result.error = std::current_exception();
    resume(*batch);
  }
}

void Handover::resume(const Batch& batch) {
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
