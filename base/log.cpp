#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cctype>
#include <cstdlib>
#include <memory>

#include "base/journal.h"
#include "base/log_text.h"

namespace gitopsd::log {
namespace {

constexpr std::size_t kQueued = 8192;

struct State {
  std::string program = "gitopsd";
  std::shared_ptr<spdlog::logger> terminal;
  std::unique_ptr<JournalQueue> journal;
  std::atomic<Level> level = Level::info;
};

/// For ever: threads may log while the process exits.
State& state() {
  static State* s = new State;
  return *s;
}

/// The message with its fields for people, and each field by itself for journalctl's filters.
JournalQueue::Entry journal_entry(Level level, std::string_view message,
                                  std::initializer_list<Field> fields) {
  constexpr const char* kPriorities[] = {"PRIORITY=7", "PRIORITY=6", "PRIORITY=4", "PRIORITY=3"};
  JournalQueue::Entry entry;
  entry.reserve(fields.size() + 3);
  entry.push_back("MESSAGE=" + line(message, fields));
  entry.emplace_back(kPriorities[static_cast<int>(level)]);
  entry.push_back("SYSLOG_IDENTIFIER=" + state().program);
  for (const auto& field : fields) {
    std::string name = "GITOPSD_";
    for (const char c : field.name) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    entry.push_back(name + "=" + field.value);
  }
  return entry;
}

JournalQueue::Entry lost_entry(std::uint64_t count) {
  return journal_entry(Level::warning, "log entries lost: the journal was too slow",
                       {{"count", static_cast<unsigned long>(count)}});
}

}  // namespace

void start(std::string_view program, Level level) {
  State& s = state();
  s.program = program;
  s.level = level;
  if (s.journal || s.terminal) return;
  if (stderr_is_journal()) {
    s.journal = std::make_unique<JournalQueue>(kQueued, send_to_journal, lost_entry);
    std::atexit([] { state().journal->drain(); });
    return;
  }
  s.terminal = std::make_shared<spdlog::logger>(std::string(program),
                                                std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  s.terminal->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%-7l%$ %v");
  s.terminal->set_level(spdlog::level::trace);
}

void set_level(Level level) {
  state().level = level;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  const State& s = state();
  if (level < s.level) return;
  if (s.journal) return s.journal->push(journal_entry(level, message, fields));
  if (!s.terminal) return;
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  const std::string text = line(message, fields);
  s.terminal->log(kLevels[static_cast<int>(level)], spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace gitopsd::log
