// Runs a renderer in gitopsd-render's sandbox, on a copy of what it may read.
#pragma once

#include <string>
#include <vector>

#include "base/temporary_folder.h"
#include "config/config.h"
#include "daemon/source/mirror.h"

namespace gitopsd::render {

/// Where renderers run.
struct Sandbox {
  std::string program;  ///< gitopsd-render
  std::string folder;   ///< private to this process, made and emptied as needed
  config::Renderers limits{};
};

/// A folder of one run: `tree` is the copy of the snapshot, `scratch` holds files of ours, and what a
/// renderer writes that starts another. It goes with this object.
class RunFolder {
 public:
  explicit RunFolder(const Sandbox&);

  std::string tree() const { return folder_.path() + "/tree"; }
  std::string scratch() const { return folder_.path() + "/scratch"; }
  /// Writes what the snapshot holds at the paths: files, and folders with all below them. Throws Failure
  /// (cause input) beyond the limits. What cannot be read as a file, such as a Git LFS pointer, is left out
  /// and told.
  std::vector<std::string> write(const source::Snapshot&, const std::vector<std::string>& paths) const;
  /// Writes a file of ours into the scratch folder; returns its path.
  std::string write_scratch(const std::string& name, const std::string& bytes) const;

 private:
  const TemporaryFolder folder_;  // what is left after a crash goes when the next process begins
};

struct Ran {
  std::string output;
  std::string errors;    ///< what it said on standard error, without the folder's own path
  std::string failed{};  ///< why there is no result; empty: there is one
};

/// Runs `command` in the folder. It may start no other program than `child`, in the same sandbox, and then
/// write into the scratch folder, by which kustomize hands values to Helm; without one it can start no
/// process and write nothing at all. Throws Failure where the sandbox cannot be set up: never runs it
/// outside.
Ran run_in_sandbox(const Sandbox&, const RunFolder&, const std::vector<std::string>& command,
                   const std::string& child = {});

/// gitopsd-render: where it is installed, in libexec; in a build tree, where that builds it.
std::string render_program();
/// The absolute path of the configured program, or of the first of `names` that is in PATH; empty: none.
std::string find_program(const std::string& configured, const std::vector<std::string>& names);
/// Changes when the program is replaced: its size and the time of its last change.
std::string program_identity(const std::string& path);

}  // namespace gitopsd::render
