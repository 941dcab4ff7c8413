#include "base/journal.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace gitopsd::log {

/// Shared with the thread, which may outlive the queue where the journal is stuck.
struct JournalQueue::State {
  std::size_t capacity;
  Write write;
  std::function<Entry(std::uint64_t)> lost_entry;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Entry> entries;
  std::uint64_t lost = 0;
  bool writing = false, ending = false;

  void run() {
    // It starts before the program has blocked the signals that it waits for, and must not die of them.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ending || !entries.empty(); });
      if (entries.empty()) break;
      const std::uint64_t missing = std::exchange(lost, 0);
      const Entry entry = std::move(entries.front());
      entries.pop_front();
      writing = true;
      lock.unlock();
      if (missing > 0) write(lost_entry(missing));
      write(entry);
      lock.lock();
      writing = false;
      changed.notify_all();
    }
  }
};

JournalQueue::JournalQueue(std::size_t capacity, Write write, std::function<Entry(std::uint64_t)> lost)
    : state_(std::make_shared<State>()) {
  state_->capacity = capacity;
  state_->write = std::move(write);
  state_->lost_entry = std::move(lost);
  std::thread([state = state_] { state->run(); }).detach();
}

JournalQueue::~JournalQueue() {
  drain();
  const std::lock_guard lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
}

void JournalQueue::drain() {
  constexpr auto kPatience = std::chrono::seconds(2);
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, kPatience, [this] { return state_->entries.empty() && !state_->writing; });
}

void JournalQueue::push(Entry entry) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->entries.size() >= state_->capacity) {
      state_->entries.pop_front();
      ++state_->lost;
    }
    state_->entries.push_back(std::move(entry));
  }
  state_->changed.notify_all();
}

void send_to_journal(const JournalQueue::Entry& entry) {
  std::vector<iovec> parts;
  parts.reserve(entry.size());
  for (const auto& field : entry) parts.push_back({const_cast<char*>(field.data()), field.size()});
  sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  if (stream == nullptr || ::fstat(2, &st) != 0) return false;
  return std::string(stream) == std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino);
}

}  // namespace gitopsd::log
