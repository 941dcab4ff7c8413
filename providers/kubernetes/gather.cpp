#include "providers/kubernetes/gather.h"

#include <condition_variable>
#include <mutex>

namespace gitopsd::kubernetes {

std::vector<HttpResponse> send_all(HttpClient& client, std::vector<HttpRequest> requests) {
  std::mutex mutex;
  std::condition_variable ended;
  std::vector<HttpResponse> answers(requests.size());
  std::size_t open = requests.size();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    client.start(std::move(requests[i]), [&, i](HttpResponse response) {
      const std::lock_guard lock(mutex);
      answers[i] = std::move(response);
      if (--open == 0) ended.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return open == 0; });
  return answers;
}

}  // namespace gitopsd::kubernetes
