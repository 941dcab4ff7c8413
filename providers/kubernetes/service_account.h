// The configuration that every Pod finds inside itself.
#pragma once

#include <string>

#include "providers/kubernetes/client_config.h"

namespace gitopsd::kubernetes {

inline constexpr const char* kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/// From KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the mounted folder (token, ca.crt, namespace).
/// Throws Failure (cause input) that names what is missing.
ClientConfig service_account_config();
/// The same with the variables' values.
ClientConfig service_account_config(const std::string& host, const std::string& port,
                                    const std::string& folder = kServiceAccountFolder);

}  // namespace gitopsd::kubernetes
