// A child process run to its end, with what it said.
#pragma once

#include <chrono>
#include <string>

#include "base/process.h"

namespace gitopsd {

struct CapturedRun {
  int status = 0;      ///< waitpid(2)
  std::string output;  ///< standard output, whole
  std::string errors;  ///< the end of standard error, at most 64 KiB
  std::string
      last_words;  ///< the last line of standard error that says anything, printable, at most 300 bytes
  bool too_slow = false;  ///< it was killed at the time limit
  bool too_much = false;  ///< it was killed at the output limit
};

/// Starts `command` with /dev/null as input. When it ends, what it left in its process group is killed too.
/// Throws Failure where it cannot be started.
CapturedRun run_captured(Command command, std::size_t output_limit, std::chrono::milliseconds limit);

/// The last line of a text that holds more than white space, with control characters replaced.
std::string last_line(std::string_view text);

}  // namespace gitopsd
