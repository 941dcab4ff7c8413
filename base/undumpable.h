// Memory that holds secrets stays out of files.
#pragma once

namespace gitopsd {

/// From here on this process leaves no core file, whatever its limits become, and the same user cannot ptrace
/// it (prctl(2), PR_SET_DUMPABLE). What it starts inherits the limit only. For the beginning of a program.
void forbid_core_dumps();

}  // namespace gitopsd
