#include "daemon/store/retention.h"

#include <utility>

#include "base/log.h"

namespace gitopsd::store {
namespace {

using namespace std::chrono_literals;

constexpr auto kEvery = 10min;
constexpr auto kWhileThereIsMore = 1s;
constexpr std::chrono::microseconds kJump = 1h;
constexpr auto kEvenly = 6h;

std::chrono::microseconds offset_of(const Clock& clock) {
  return std::chrono::microseconds(clock.wall()) -
         std::chrono::duration_cast<std::chrono::microseconds>(clock.monotonic().time_since_epoch());
}

}  // namespace

Retention::Retention(Store& store, const Clock& clock)
    : store_(store), clock_(clock), offset_(offset_of(clock)), next_(clock.monotonic() + kEvery) {}

void Retention::tend(std::chrono::microseconds keep) {
  if (clock_.monotonic() < next_) return;
  next_ = clock_.monotonic() + kEvery;
  if (in_doubt()) return;
  if (store_.retain(clock_.wall() - keep.count())) next_ = clock_.monotonic() + kWhileThereIsMore;
}

bool Retention::in_doubt() {
  const auto offset = offset_of(clock_);
  const auto jump = offset - std::exchange(offset_, offset);
  if (jump > kJump || jump < -kJump) {
    doubtful_until_ = clock_.monotonic() + kEvenly;
    log::warning("the clock was set, or the machine slept; nothing old is deleted for some hours",
                 {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(jump).count()},
                  {"now", rfc3339(clock_.wall())}});
  }
  return clock_.monotonic() < doubtful_until_;
}

}  // namespace gitopsd::store
