#include "daemon/api/progress.h"

#include <algorithm>
#include <utility>

namespace gitopsd::api {
namespace {

bool is_of(const sync::ProgressLine& line, EventId event) {
  return line.event == event || std::find(line.along.begin(), line.along.end(), event) != line.along.end();
}

bool fits(const Follow& filter, const sync::ProgressLine& line) {
  return (filter.application.empty() || filter.application == line.application) &&
         (filter.repository.empty() || filter.repository == line.repository) &&
         (!filter.event || is_of(line, filter.event)) && (!filter.sync || filter.sync == line.sync);
}

}  // namespace

void Progress::publish(const sync::ProgressLine& line) {
  const std::lock_guard lock(mutex_);
  kept_.push_back(line);
  if (kept_.size() > kKeptLines) kept_.pop_front();
  for (auto& tap : taps_) {
    if (!fits(tap.filter, line)) continue;
    if (tap.lines.size() == kQueuedLines) {
      tap.lines.pop_front();
      ++tap.dropped;
    }
    tap.lines.push_back(line);
    if (tap.lines.size() == 1) tap.wake();
  }
}

Progress::Handle Progress::follow(const Follow& filter, std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  Tap tap{filter, std::move(wake), {}, 0};
  if (filter.filtered()) {
    for (const auto& line : kept_) {
      if (fits(filter, line)) tap.lines.push_back(line);
    }
  }
  return taps_.insert(taps_.end(), std::move(tap));
}

void Progress::leave(Handle tap) {
  const std::lock_guard lock(mutex_);
  taps_.erase(tap);
}

Progress::Taken Progress::take(Handle tap) {
  const std::lock_guard lock(mutex_);
  return {std::exchange(tap->lines, {}), std::exchange(tap->dropped, 0)};
}

}  // namespace gitopsd::api
