// How one cluster is reached and who asks: what a kubeconfig's context, or a Pod's service account, comes to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/value.h"

namespace gitopsd::kubernetes {

/// A program that makes credentials (client.authentication.k8s.io).
struct ExecPlugin {
  std::string api_version;  ///< ".../v1" or ".../v1beta1"
  std::string command;      ///< an absolute path, or a name to find in PATH
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, Secret>> environment;
  std::string install_hint;           ///< one line, or empty
  bool provide_cluster_info = false;  ///< in KUBERNETES_EXEC_INFO
  Value cluster_settings;             ///< of the cluster's extension for plugins, or null
};

/// Whom to act as; empty `user` for nobody else. For the Impersonate-* headers: no control characters.
struct Impersonation {
  std::string user, uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

struct ClientConfig {
  std::string origin;                  ///< where all this comes from, for messages
  std::string context, cluster, user;  ///< names in the kubeconfig; empty inside a Pod

  std::string server;           ///< `https://HOST[:PORT][/PATH]` or http, without a slash at its end
  std::string tls_server_name;  ///< empty: the server's host
  bool insecure_skip_tls_verify = false;
  bool disable_compression = false;
  Secret proxy_url;  ///< may hold a password; empty: none
  /// PEM, as it was when read; empty: the system's. Credentials reads the file again where there is one.
  std::string certificate_authority, certificate_authority_file;

  // Never set where the server is plain http: nothing secret goes over that (client-go's rule).
  std::string client_certificate, client_certificate_file;  ///< PEM, leaf first
  Secret client_key;                                        ///< PEM
  std::string client_key_file;
  Secret token;
  std::string token_file;  ///< wins over `token` while it can be read
  std::string username;
  Secret password;
  std::optional<ExecPlugin> exec;

  Impersonation impersonate;
  std::string default_namespace = "default";  ///< for objects that name none
};

}  // namespace gitopsd::kubernetes
