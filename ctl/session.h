// What every command gets: where the daemon is, and how to write.
#pragma once

#include <stdexcept>
#include <string>

#include "ctl/client.h"
#include "ctl/terminal.h"

namespace gitopsd::ctl {

/// What gitopsctl ends with; --help documents it.
enum class Exit { ok = 0, failed = 1, usage = 2, unreachable = 3, not_found = 4 };

struct Session {
  Client client;
  Terminal terminal;
  bool json = false;  ///< --output json

  /// Writes one JSON object, indented, safe for a terminal.
  void print_json(const Value& value) const { terminal.write(safe_json(to_pretty_json(value)) + "\n"); }
  void line(std::string_view text) const { terminal.write(std::string(text) + "\n"); }
};

/// The command line makes no sense; ends with Exit::usage.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the command line names does not exist; ends with Exit::not_found.
struct NotFoundError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace gitopsd::ctl
