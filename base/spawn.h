// The step from this process to a child's program.
#pragma once

#include <sys/types.h>

#include "base/process.h"

namespace gitopsd {

/// Forks and execs. Returns the pid once the program runs. Throws Failure naming the program, with no child
/// left.
pid_t spawn(const Command& command);

}  // namespace gitopsd
