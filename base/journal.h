// Log entries on their way to the journal, which may be slow or stuck: whoever logs never waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gitopsd::log {

/// A bounded queue with one thread that writes. When it is full the oldest entry goes, and an entry says how
/// many went as soon as there is room again.
class JournalQueue {
 public:
  /// `NAME=value` each, as sd_journal_sendv(3) takes them.
  using Entry = std::vector<std::string>;
  using Write = std::function<void(const Entry&)>;

  /// `lost` makes the entry that tells of lost ones.
  JournalQueue(std::size_t capacity, Write write, std::function<Entry(std::uint64_t)> lost);
  /// Writes what is left, as `drain` does.
  ~JournalQueue();
  /// Never waits for the journal.
  void push(Entry entry);
  /// Waits until everything is written, for at most two seconds.
  void drain();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Hands one entry to journald; blocks while its socket is full.
void send_to_journal(const JournalQueue::Entry& entry);

/// Whether standard error is connected to the journal: JOURNAL_STREAM, systemd.exec(5).
bool stderr_is_journal();

}  // namespace gitopsd::log
