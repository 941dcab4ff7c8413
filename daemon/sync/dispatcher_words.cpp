// What an event says of itself while it is open: what its applications do with it. Functions here want
// `mutex_` held unless they say otherwise.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;

bool holds(const Word& word) {
  return word.state == store::EventState::held;
}

/// Of all that its applications say: what waits for somebody before what only takes time.
Word word_of(const Tracker& tracker) {
  const auto& says = tracker.says;
  const auto held =
      std::find_if(says.begin(), says.end(), [](const auto& part) { return holds(part.second); });
  if (held != says.end()) return held->second;
  if (!says.empty()) return says.begin()->second;
  return {tracker.begun ? store::EventState::running : store::EventState::queued, {}};
}

}  // namespace

/// What the application does now, and the events that asked for it say so.
void DispatcherImpl::say(const App& app, Askers& along, EventId event, const Word& word) {
  along.word = word;
  for (const auto id : along.events) say_of(id, app->uid, word);
  say_of(event, app->uid, word);
}

void DispatcherImpl::say_of(EventId event, const ApplicationUid& uid, const Word& word) {
  const auto it = trackers_.find(event);
  if (it == trackers_.end()) return;
  Tracker& tracker = it->second;
  tracker.begun = tracker.begun || word.state == store::EventState::running;
  if (holds(word) || !word.reason.empty())
    tracker.says[uid] = word;
  else
    tracker.says.erase(uid);
  tell_word(event, tracker);
}

/// One worker at a time writes an event's word, and writes the last one: two of them might come in any order.
void DispatcherImpl::tell_word(EventId event, Tracker& tracker) {
  if (tracker.telling || tracker.told == word_of(tracker)) return;
  tracker.telling = true;
  workers_->post([this, event] { write_word(event); });
}

/// Without the mutex.
void DispatcherImpl::write_word(EventId event) {
  const auto now = [&](const auto& use) {
    std::lock_guard lock(mutex_);
    if (const auto it = trackers_.find(event); it != trackers_.end()) use(it->second);
  };
  std::optional<Word> word;
  now([&](Tracker& tracker) { word = tracker.told = word_of(tracker); });
  if (!word) return;  // it has ended
  try {
    env_.store->set_event(event, word->state, word->reason);
  } catch (const std::exception& e) {
    log::error("cannot record what an event waits for; tried again",
               {{"event", event.value}, {"error", e.what()}});
    workers_->at(Monotonic::now() + 5s, [this, event] { write_word(event); });
    return;
  }
  now([&](Tracker& tracker) {
    tracker.telling = false;
    tell_word(event, tracker);
  });
}

/// A sync that begins takes a queued event along in the store, with the same write.
void DispatcherImpl::told_by_sync(EventId event) {
  const auto it = trackers_.find(event);
  if (it == trackers_.end() || it->second.telling) return;
  if (it->second.told.state == store::EventState::queued) it->second.told = {store::EventState::running, {}};
}

}  // namespace gitopsd::sync
