// What proves who asks, as it is now: tokens, certificates and plugins' answers all change while we run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "providers/kubernetes/client_config.h"
#include "providers/kubernetes/exec_plugin.h"
#include "providers/kubernetes/rotated_file.h"

namespace gitopsd::kubernetes {

struct Credential {
  std::uint64_t serial = 0;      ///< another one whenever anything below is another
  std::uint64_t kubeconfig = 0;  ///< another one whenever the kubeconfig was replaced
  Secret bearer;
  std::string username;  ///< with `password`, for where there is no bearer
  Secret password;
  std::string certificate;  ///< PEM, leaf first; empty: none
  Secret key;               ///< PEM

  /// The Authorization header's whole value; nullopt where only a certificate, or nothing, proves anything.
  std::optional<Secret> authorization() const;
  bool operator==(const Credential&) const;  ///< but for the serial
};

/// Safe for any number of threads; while a plugin runs (30 s at most) the others wait for its answer.
class Credentials {
 public:
  /// Gives what is to be used from now on where that was replaced, else nothing. May throw Failure, and then
  /// what was used before stays.
  using Renew = std::function<std::optional<ClientConfig>()>;
  explicit Credentials(ClientConfig config, const Clock& clock = system_clock(),
                       PluginSurroundings surroundings = PluginSurroundings::of_this_process(),
                       Renew renew = {});

  /// Never null. Files are read again when they changed or after 60 s, a plugin is run again from 10 s before
  /// its answer expires. Throws Failure: transient where another try may help.
  std::shared_ptr<const Credential> current();
  /// The bearer of current().
  std::optional<Secret> bearer();
  /// PEM of the authorities to trust, read again as above; empty: the system's.
  std::string certificate_authority();

  /// The server answered 401 to the credential of that serial: the next current() reads or runs afresh. Does
  /// nothing when another one was made meanwhile. Where current() then has the same serial, trying again is
  /// no use.
  void invalidate(std::uint64_t serial);
  void invalidate();  ///< whatever there is now

  /// For people: whose credentials they are, and what is known to be wrong with them. Never throws.
  std::string who() const;
  std::string fault() const;

  /// Never null; another one after it was renewed.
  std::shared_ptr<const ClientConfig> config() const;
  /// As Credential::kubeconfig; of what is used now.
  std::uint64_t kubeconfig() const;

 private:
  void use(ClientConfig);
  void renew();
  Credential read_files(bool afresh);
  void add_plugin_answer(Credential& credential);
  void ask_plugin();

  std::shared_ptr<const ClientConfig> config_;
  std::uint64_t kubeconfig_ = 0;
  const Clock& clock_;
  const PluginSurroundings surroundings_;
  const Renew renew_;
  std::string not_renewed_;  ///< why
  mutable std::mutex mutex_;
  std::shared_ptr<const Credential> current_;
  bool afresh_ = false;
  std::optional<RotatedFile> token_, certificate_, key_, authority_;
  std::optional<std::pair<std::string, Secret>> pair_;  ///< the last certificate and key that fit
  std::optional<PluginAnswer> answer_;
  std::optional<Failure> refusal_;  ///< of the plugin, which is left alone for a while then
  Monotonic::time_point refused_at_{};
};

}  // namespace gitopsd::kubernetes
