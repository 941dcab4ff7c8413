#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace gitopsd::log {
namespace {

struct State {
  std::shared_ptr<spdlog::logger> terminal;
  bool journal = false;
  Level level = Level::info;
  std::string program = "gitopsd";
};

State& state() {
  static State s;
  return s;
}

/// Bytes of others (refs, paths, names) must not move a terminal's cursor or forge a second line.
std::string printable(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

bool needs_quotes(std::string_view s) {
  return s.empty() || s.find_first_of(" =\"") != std::string_view::npos;
}

/// spdlog's own systemd sink sends no fields, so the journal is written to directly: sd_journal_sendv never
/// blocks for long (a datagram, or a memory file where it is large).
void to_journal(Level level, std::string_view message, std::initializer_list<Field> fields) {
  constexpr int kPriority[] = {7, 6, 4, 3};
  std::vector<std::string> lines;
  lines.reserve(fields.size() + 3);
  lines.push_back("MESSAGE=" + std::string(message));
  lines.push_back("PRIORITY=" + std::to_string(kPriority[static_cast<int>(level)]));
  lines.push_back("SYSLOG_IDENTIFIER=" + state().program);
  for (const auto& f : fields) {
    std::string name = "GITOPSD_";
    for (const char c : f.name) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    lines.push_back(name + "=" + f.value);
    lines[0] += " " + std::string(f.name) + "=" + (needs_quotes(f.value) ? "\"" + f.value + "\"" : f.value);
  }
  std::vector<iovec> parts;
  for (auto& l : lines) parts.push_back({l.data(), l.size()});
  sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // systemd.exec(5): DEVICE:INODE of the stream
  struct stat st {};
  if (!stream || ::fstat(2, &st) != 0) return false;
  return std::string(stream) == std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino);
}

}  // namespace

void start(std::string_view program, Level level) {
  State& s = state();
  s.program = program;
  s.journal = stderr_is_journal();
  s.level = level;
  if (s.journal || s.terminal) return;
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
  if (s.journal) return to_journal(level, message, fields);
  if (!s.terminal) return;
  std::string line = printable(message);
  for (const auto& f : fields) {
    const std::string value = printable(f.value);
    line += " " + std::string(f.name) + "=" + (needs_quotes(value) ? "\"" + value + "\"" : value);
  }
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  s.terminal->log(kLevels[static_cast<int>(level)], spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace gitopsd::log
