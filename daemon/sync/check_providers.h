// What can be said of a configuration's destinations before it comes into force.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/problem.h"
#include "base/temporary_folder.h"
#include "config/config.h"
#include "daemon/sync/provider.h"

namespace gitopsd::sync {

/// Destinations whose provider is no program of `program_directory`, and is reached in no other way.
std::vector<Problem> unknown_providers(const config::Config&, const std::string& program_directory);

struct ProviderCheck {
  std::vector<Problem> problems;       ///< what a provider refuses, with file and line
  std::vector<Problem> warnings;       ///< what a provider takes and doubts, likewise
  std::vector<std::string> unchecked;  ///< a destination a line, and why nobody could be asked
};
/// A refusal is a problem of what is asked about; that nobody answers may be the place where this runs.
bool refuses(ProblemCause);

/// A destination's provider for as long as it is asked: a process of its own, apart from any that runs.
class AskedProvider {
 public:
  /// Throws Failure where the provider is no program here.
  AskedProvider(config::Destination, const std::string& program_directory);
  ~AskedProvider();
  AskedProvider(const AskedProvider&) = delete;
  AskedProvider& operator=(const AskedProvider&) = delete;
  Provider& operator*() const { return *provider_; }
  Provider* operator->() const { return provider_.get(); }

 private:
  const TemporaryFolder scratch_;  ///< of what it leaves
  std::unique_ptr<Provider> provider_;
};

/// Starts one to ask it what documents and policies mean, also where the settings name what is not on this
/// machine, as the provider says: credentials, say. Those it does without. Throws Failure where it does not
/// start.
std::unique_ptr<AskedProvider> start_to_resolve(config::Destination, const std::string& program_directory);

/// What a provider thinks of an application's policy. Throws Failure where it cannot be asked.
void ask_policy(Provider&, const config::Application&, ProviderCheck&);

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
