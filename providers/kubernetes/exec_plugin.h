// Credential plugins: programs that print an ExecCredential (client.authentication.k8s.io v1 and v1beta1).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"
#include "providers/kubernetes/client_config.h"

namespace gitopsd::kubernetes {

/// What a plugin gets from us besides its own configuration.
struct PluginSurroundings {
  std::string path;  ///< PATH, also for finding the plugin
  std::string home;
  std::chrono::milliseconds limit = std::chrono::seconds(30);
  static PluginSurroundings of_this_process();
};

struct PluginAnswer {
  Secret token;
  std::string certificate;  ///< PEM
  Secret key;               ///< PEM, never without a certificate
  WallMicros expires = 0;   ///< 0: it does not say
};

/// Runs `config.exec`, which must be there. Throws Failure that names the plugin and the user: not there
/// (with its install hint), ended badly (with its last words), too slow, or an answer that is of no use.
PluginAnswer run_exec_plugin(const ClientConfig& config, const PluginSurroundings& surroundings,
                             WallMicros now);

/// The value of KUBERNETES_EXEC_INFO.
std::string exec_info(const ClientConfig& config);
/// What a plugin printed. Throws Failure.
PluginAnswer read_exec_credential(std::string_view output, const ExecPlugin& plugin, WallMicros now);

}  // namespace gitopsd::kubernetes
