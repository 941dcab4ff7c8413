// The kubeconfig: which server, which credentials (k8s.io/client-go/tools/clientcmd/api/v1).
#pragma once

#include <string>

#include "providers/kubernetes/client_config.h"

namespace gitopsd::kubernetes {

/// Reads what that context says, or the current one where it is empty, with the files that it names; relative
/// paths start at the kubeconfig's folder. Unknown fields are ignored. Throws Failure (cause input) with
/// file, line and column, naming context, cluster or user; no message repeats a secret.
ClientConfig load_kubeconfig(const std::string& path, const std::string& context = {});

}  // namespace gitopsd::kubernetes
