// What can be said of a configuration's destinations before it comes into force.
#pragma once

#include <string>
#include <vector>

#include "base/problem.h"
#include "config/config.h"

namespace gitopsd::sync {

/// Destinations whose provider is no program of `program_directory`, and is reached in no other way.
std::vector<Problem> unknown_providers(const config::Config&, const std::string& program_directory);

struct ProviderCheck {
  std::vector<Problem> problems;       ///< what a provider refuses, with file and line
  std::vector<Problem> warnings;       ///< what a provider takes and doubts, likewise
  std::vector<std::string> unchecked;  ///< a destination a line, and why nobody could be asked
};
/// Where the providers' programs are: installed, in libexec; in a build tree, beside the folder of the
/// program that runs.
std::string default_provider_directory();
/// Whether any provider's program is in that folder.
bool has_providers(const std::string& program_directory);
/// Starts each provider that is a program here, apart from any that runs, and asks what it thinks of its
/// settings and of the policies of its applications. Changes nothing at a destination. Blocks for seconds at
/// most.
ProviderCheck check_providers(const config::Config&, const std::string& program_directory);

}  // namespace gitopsd::sync
