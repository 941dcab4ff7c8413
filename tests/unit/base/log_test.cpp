#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

#include "base/journal.h"
#include "base/log_text.h"

namespace gitopsd::log {
namespace {

/// A journal that stands still until it is let go, and keeps the first field of what it got.
class SlowJournal {
 public:
  void write(const JournalQueue::Entry& entry) {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    text_ += entry[0] + "\n";
  }
  void wait_until_stuck() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool waiting_ = false, open_ = false;
  std::string text_;
};

}  // namespace

TEST_CASE("a line has the message and its fields") {
  CHECK(line("sync ended", {{"application", "web"}, {"took_ms", 12}, {"why", "a push"}, {"empty", ""}}) ==
        "sync ended application=web took_ms=12 why=\"a push\" empty=\"\"");
  CHECK(line("d\xc3\xa9j\xc3\xa0 vu", {}) == "d\xc3\xa9j\xc3\xa0 vu");
}

TEST_CASE("what others wrote forges neither a line nor a field, and moves no cursor") {
  CHECK(line("m", {{"ref", "a\nERROR b"}}) == R"(m ref="a\nERROR b")");
  CHECK(line("m", {{"ref", "\x1b[2J"}}) == R"(m ref=\x1b[2J)");
  CHECK(line("m", {{"ref", "x\" level=\"error"}}) == R"(m ref="x\" level=\"error")");
  CHECK(line("m", {{"ref", "x\\"}}) == R"(m ref="x\\")");
  CHECK(line("m", {{"ref", "\r\x7f\x9b"}}) == R"(m ref=\x0d\x7f\x9b)");
  CHECK(line("m", {{"ref", "\xc2\x9b"}}) == R"(m ref=\xc2\x9b)");
  CHECK(line("m", {{"ref",
                    "\xe2\x80\xae"
                    "x"}}) == R"(m ref=\xe2\x80\xaex)");
  CHECK(line("m", {{"ref", "\xe2\x82\xac"}}) == "m ref=\xe2\x82\xac");
  CHECK(line("two\nlines", {}) == R"(two\nlines)");
}

TEST_CASE("who logs does not wait for the journal; the oldest entries go and are counted") {
  SlowJournal journal;
  {
    JournalQueue queue(
        3, [&](const auto& entry) { journal.write(entry); },
        [](std::uint64_t n) { return JournalQueue::Entry{"lost " + std::to_string(n)}; });
    queue.push({"0"});
    journal.wait_until_stuck();
    for (int i = 1; i <= 10; ++i) queue.push({std::to_string(i)});
    journal.let_go();
    queue.drain();
    CHECK(journal.text() == "0\nlost 7\n8\n9\n10\n");
    queue.push({"11"});
  }
  CHECK(journal.text() == "0\nlost 7\n8\n9\n10\n11\n");
}

}  // namespace gitopsd::log
