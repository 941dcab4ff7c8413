#include "providers/kubernetes/gather.h"

#include <condition_variable>
#include <mutex>

namespace gitopsd::kubernetes {

struct Gathering::Shared {
  std::mutex mutex;
  std::condition_variable ended;
  std::vector<HttpResponse> answers;
  std::size_t open = 0;
};

Gathering::Gathering(HttpClient& client, std::vector<HttpRequest> requests)
    : shared_(std::make_shared<Shared>()) {
  shared_->answers.resize(requests.size());
  shared_->open = requests.size();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    client.start(std::move(requests[i]), [shared = shared_, i](HttpResponse response) {
      const std::lock_guard lock(shared->mutex);
      shared->answers[i] = std::move(response);
      if (--shared->open == 0) shared->ended.notify_one();
    });
  }
}

std::vector<HttpResponse> Gathering::wait() {
  std::unique_lock lock(shared_->mutex);
  shared_->ended.wait(lock, [&] { return shared_->open == 0; });
  return std::move(shared_->answers);
}

std::vector<HttpResponse> send_all(HttpClient& client, std::vector<HttpRequest> requests) {
  return Gathering(client, std::move(requests)).wait();
}

}  // namespace gitopsd::kubernetes
