// Structured logging. spdlog stays inside log.cpp; to the journal every field becomes a journal field of its
// own.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace gitopsd::log {

enum class Level { debug, info, warning, error };
enum class Target { terminal, journal };

/// A field: a name in snake_case (`event`, `application`, `commit`, ...) and its text. Secrets have no text
/// form.
struct Field {
  std::string_view name;
  std::string value;
  Field(std::string_view n, std::string v) : name(n), value(std::move(v)) {}
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(v) {}
  Field(std::string_view n, long long v) : name(n), value(std::to_string(v)) {}
  Field(std::string_view n, long v) : name(n), value(std::to_string(v)) {}
  Field(std::string_view n, int v) : name(n), value(std::to_string(v)) {}
  Field(std::string_view n, unsigned long v) : name(n), value(std::to_string(v)) {}
};

/// Chooses the journal where standard error is connected to it (JOURNAL_STREAM), else the terminal form.
void start(std::string_view program, Level level = Level::info);
void set_level(Level level);
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::debug, m, f);
}
inline void info(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::info, m, f);
}
inline void warning(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::warning, m, f);
}
inline void error(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::error, m, f);
}

}  // namespace gitopsd::log
