// The manifests of a checkout, checked without a daemon.
#pragma once

#include <filesystem>
#include <vector>

#include "base/problem.h"

namespace gitopsd::ctl {

struct Checked {
  int files = 0;
  int documents = 0;
  std::vector<Problem> problems;
  std::vector<Problem> warnings{};
  std::vector<std::string> unchecked{};  ///< what nobody here could be asked about, a line each
};

/// Every *.yaml, *.yml and *.json below a folder, but for what lies in folders whose name begins with a dot;
/// links are not followed.
Checked check_checkout(const std::filesystem::path& folder);
/// One file; `name` is how problems call it.
void check_manifest(const std::filesystem::path& file, const std::string& name, Checked&);

}  // namespace gitopsd::ctl
