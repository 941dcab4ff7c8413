// What a dynamically linked program needs to start.
#pragma once

#include <string>

namespace gitopsd::sandbox {

/// The dynamic loader that an ELF program of this machine names (PT_INTERP); empty for a static one. Throws
/// std::runtime_error where it is no such program.
std::string dynamic_loader(const std::string& program);

}  // namespace gitopsd::sandbox
