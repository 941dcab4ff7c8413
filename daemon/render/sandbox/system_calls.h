// The system calls that a renderer needs, and no others: seccomp(2).
#pragma once

namespace gitopsd::sandbox {

/// From here on this process and what it becomes can make no socket, no child process and no other change to
/// the system than to files. Everything not named is refused with EPERM. `children`: it may start programs,
/// those that Landlock lets it execute, in the same confines and in its own process group. Throws
/// std::runtime_error.
void restrict_system_calls(bool children);

}  // namespace gitopsd::sandbox
