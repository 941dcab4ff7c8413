// The settings of a Kubernetes destination.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/value.h"
#include "providers/kubernetes/client_config.h"
#include "providers/kubernetes/health_rule.h"
#include "providers/kubernetes/kubeconfig.h"

namespace gitopsd::kubernetes {

struct Settings {
  ClientConfig config;
  std::string name;                      ///< for people: "context 'prod' of /etc/gitopsd/kubeconfig"
  std::optional<Kubeconfig> kubeconfig;  ///< what `config` was read from; none for a Pod's service account
  std::vector<HealthRule> health;
  std::chrono::seconds look{30};  ///< between two looks at which cluster answers, and what it serves
};

/// `{kubeconfig: PATH, PATH:PATH or [PATH, ...], or credential: NAME, context: NAME, health: [...],
/// look_seconds: 30}`; neither of the first two means the service account of the Pod we run in. Throws
/// SettingsRefused with all problems.
Settings read_settings(const Value& settings);

}  // namespace gitopsd::kubernetes
