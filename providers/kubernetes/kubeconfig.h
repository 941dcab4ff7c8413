// The kubeconfig: which server, which credentials (k8s.io/client-go/tools/clientcmd/api/v1).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "providers/kubernetes/client_config.h"
#include "providers/kubernetes/rotated_file.h"

namespace gitopsd::kubernetes {

/// Reads what that context says, or the current one where it is empty, with the files that it names; relative
/// paths start at the kubeconfig's folder. Unknown fields are ignored. Throws Failure (cause input) with
/// file, line and column, naming context, cluster or user; no message repeats a secret.
ClientConfig load_kubeconfig(const std::string& path, const std::string& context = {});
/// The same of several, as client-go reads $KUBECONFIG: of each name, and of the current context, the first
/// file that has it counts. Of several, those that are not there are passed over.
ClientConfig load_kubeconfig(const std::vector<std::string>& paths, const std::string& context = {});

/// Reads it again after somebody replaced it. Not safe for several threads.
class Kubeconfig {
 public:
  Kubeconfig(std::vector<std::string> paths, std::string context)
      : paths_(std::move(paths)), context_(std::move(context)) {}
  /// As load_kubeconfig. From then on the context is that one, whatever becomes the current one.
  ClientConfig load();
  /// What it says now where a file is another than before; where that could not be read, after a while again.
  std::optional<ClientConfig> renewed(Monotonic::time_point now);

 private:
  std::vector<FileMark> marks() const;

  std::vector<std::string> paths_;
  std::string context_;
  std::vector<FileMark> marks_;
  std::optional<Monotonic::time_point> failed_at_;
};

}  // namespace gitopsd::kubernetes
