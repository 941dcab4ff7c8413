// A checkout, read as the daemon would read a commit of it, without a daemon.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/problem.h"
#include "config/config.h"

namespace gitopsd::ctl {

struct Checked {
  int files = 0;
  int documents = 0;
  int kustomizations = 0;
  int charts = 0;
  int applications = 0;
  std::vector<Problem> problems;
  std::vector<Problem> warnings{};
  std::vector<std::string> unchecked{};  ///< what nobody here could be asked about, a line each
};

/// What can be said without knowing which applications there are: manifests are read, kustomizations that no
/// other one names are built, charts are passed over, and so is what holds no manifest. What has a name that
/// begins with a dot is left out. `renderer`: gitopsd-render; empty where it stands beside this program.
Checked check_checkout(const std::filesystem::path& folder, const std::string& renderer = {});
/// One manifest; `name` is how problems call it.
void check_manifest(const std::filesystem::path& file, const std::string& name, Checked&);
/// The paths of all applications of a repository, each by its settings, with what the providers say of it
/// that are here: started for that alone, by the programs in `providers`.
Checked check_applications(const std::filesystem::path& folder, const config::Config&, const RepositoryName&,
                           const std::string& providers, const std::string& renderer = {});

}  // namespace gitopsd::ctl
