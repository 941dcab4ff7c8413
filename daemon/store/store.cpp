#include "daemon/store/store.h"

#include <mutex>

namespace gitopsd::store {

void Store::accept_all(std::vector<Delivery> deliveries, AcceptAllCallback done) {
  struct Gathered {
    std::mutex mutex;
    std::vector<Answer> answers;
    std::size_t missing;
    AcceptAllCallback done;
  };
  if (deliveries.empty()) return done({});
  auto gathered = std::make_shared<Gathered>();
  gathered->answers.resize(deliveries.size());
  gathered->missing = deliveries.size();
  gathered->done = std::move(done);
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    accept(std::move(deliveries[i]), [gathered, i](Accepted accepted, std::exception_ptr error) {
      {
        const std::lock_guard lock(gathered->mutex);
        gathered->answers[i] = {std::move(accepted), std::move(error)};
        if (--gathered->missing > 0) return;
      }
      gathered->done(std::move(gathered->answers));
    });
  }
}

}  // namespace gitopsd::store
