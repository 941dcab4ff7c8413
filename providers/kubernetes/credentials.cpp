#include "providers/kubernetes/credentials.h"

#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "base/problem.h"
#include "providers/kubernetes/certificate.h"
#include "providers/kubernetes/header_text.h"
#include "providers/kubernetes/token.h"

namespace gitopsd::kubernetes {
namespace {

/// A plugin's answer is used until this long before its end: a request takes some of the time that is left.
constexpr WallMicros kMargin = 10'000'000;
/// Threads that waited for a plugin that failed take its failure, instead of each waiting for the next run.
constexpr auto kLeaveAlone = std::chrono::seconds(3);

std::string fault_of_token(std::string_view content) {
  return token_fault(trimmed(content));
}

std::string fault_of_pem(std::string_view content) {
  return content.find("-----BEGIN ") == std::string_view::npos ? "is no PEM text" : "";
}

std::optional<RotatedFile> watch_file(const std::string& path, const RotatedFile::Check& check) {
  if (path.empty()) return std::nullopt;
  return RotatedFile(path, check);
}

bool same_secret(const Secret& a, const Secret& b) {
  return a.equals(b.reveal());
}

}  // namespace

std::optional<Secret> Credential::authorization() const {
  if (!bearer.empty()) return Secret("Bearer " + std::string(bearer.reveal()));
  if (username.empty() && password.empty()) return std::nullopt;
  return Secret("Basic " + to_base64(username + ":" + std::string(password.reveal())));
}

bool Credential::operator==(const Credential& other) const {
  return kubeconfig == other.kubeconfig && same_secret(bearer, other.bearer) && username == other.username &&
         same_secret(password, other.password) && certificate == other.certificate &&
         same_secret(key, other.key);
}

Credentials::Credentials(ClientConfig config, const Clock& clock, PluginSurroundings surroundings,
                         Renew renew)
    : clock_(clock), surroundings_(std::move(surroundings)), renew_(std::move(renew)) {
  use(std::move(config));
}

/// With the mutex, but for the first time.
void Credentials::use(ClientConfig config) {
  config_ = std::make_shared<const ClientConfig>(std::move(config));
  ++kubeconfig_;
  token_ = watch_file(config_->token_file, fault_of_token);
  certificate_ = watch_file(config_->client_certificate_file, fault_of_pem);
  key_ = watch_file(config_->client_key_file, fault_of_pem);
  authority_ = watch_file(config_->certificate_authority_file, fault_of_pem);
  pair_.reset();
  if (!config_->client_certificate.empty()) pair_.emplace(config_->client_certificate, config_->client_key);
  answer_.reset();
  refusal_.reset();
}

/// With the mutex.
void Credentials::renew() {
  if (!renew_) return;
  try {
    if (auto renewed = renew_()) {
      use(std::move(*renewed));
      not_renewed_.clear();
      log::info("took credentials that were replaced", {{"from", config_->origin}});
    }
  } catch (const Failure& failure) {
    not_renewed_ = failure.what();
    log::warning("credentials stay as they were: " + not_renewed_);
  }
}

Credential Credentials::read_files(bool afresh) {
  const auto now = clock_.monotonic();
  Credential credential;
  credential.kubeconfig = kubeconfig_;
  credential.username = config_->username;
  credential.password = config_->password;
  credential.bearer = config_->token;
  try {
    if (token_) credential.bearer = Secret(std::string(trimmed(token_->read(now, afresh).reveal())));
  } catch (const Failure&) {
    if (config_->token.empty()) throw;
  }
  if (!pair_) return credential;
  std::string certificate =
      certificate_ ? std::string(certificate_->read(now, afresh).reveal()) : config_->client_certificate;
  Secret key = key_ ? key_->read(now, afresh) : config_->client_key;
  // Two files cannot be replaced at once: until both are new, the old pair serves.
  if ((certificate != pair_->first || !same_secret(key, pair_->second)) &&
      !key_problem(certificate, key.reveal()))
    pair_.emplace(std::move(certificate), std::move(key));
  credential.certificate = pair_->first;
  credential.key = pair_->second;
  return credential;
}

void Credentials::ask_plugin() {
  const auto now = clock_.monotonic();
  if (refusal_ && now - refused_at_ < kLeaveAlone) throw *refusal_;
  refusal_.reset();
  try {
    answer_ = run_exec_plugin(*config_, surroundings_, clock_.wall());
  } catch (const Failure& failure) {
    refusal_ = failure;
    refused_at_ = clock_.monotonic();
    throw;
  }
}

void Credentials::add_plugin_answer(Credential& credential) {
  const WallMicros now = clock_.wall();
  const bool ending = answer_ && answer_->expires != 0 && now >= answer_->expires - kMargin;
  if (!answer_ || ending || afresh_) {
    try {
      ask_plugin();
    } catch (const Failure& failure) {
      if (!answer_ || afresh_ || now >= answer_->expires) throw;
      log::warning("a credential that soon expires stays in use: " + failure.problems().front().message);
    }
  }
  credential.bearer = answer_->token;
  credential.certificate = answer_->certificate;
  credential.key = answer_->key;
}

std::shared_ptr<const Credential> Credentials::current() {
  const std::lock_guard lock(mutex_);
  renew();
  Credential credential = read_files(afresh_);
  // What stands in the kubeconfig itself wins over its plugin.
  const bool stands = !credential.bearer.empty() || !credential.certificate.empty() ||
                      !credential.username.empty() || !credential.password.empty();
  if (config_->exec && !stands) add_plugin_answer(credential);
  afresh_ = false;
  if (current_ && *current_ == credential) return current_;
  credential.serial = current_ ? current_->serial + 1 : 1;
  current_ = std::make_shared<const Credential>(std::move(credential));
  return current_;
}

std::optional<Secret> Credentials::bearer() {
  const auto credential = current();
  if (credential->bearer.empty()) return std::nullopt;
  return credential->bearer;
}

std::string Credentials::certificate_authority() {
  const std::lock_guard lock(mutex_);
  renew();
  if (!authority_) return config_->certificate_authority;
  try {
    return std::string(authority_->read(clock_.monotonic()).reveal());
  } catch (const Failure&) {
    return config_->certificate_authority;
  }
}

std::shared_ptr<const ClientConfig> Credentials::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

std::uint64_t Credentials::kubeconfig() const {
  const std::lock_guard lock(mutex_);
  return kubeconfig_;
}

std::string Credentials::who() const {
  const auto config = this->config();
  return config->user.empty() ? std::string() : "user '" + config->user + "'";
}

/// Servers do not say what it is: an expired certificate is refused like one of somebody else's.
std::string Credentials::fault() const {
  const std::lock_guard lock(mutex_);
  std::string fault;
  if (current_ && !current_->certificate.empty()) {
    fault = certificate_problem(current_->certificate, clock_.wall()).value_or("");
    if (!fault.empty() && !config_->client_certificate_file.empty())
      fault += " (" + config_->client_certificate_file + ")";
  } else if (current_ && !current_->bearer.empty()) {
    fault = token_problem(current_->bearer.reveal(), clock_.wall());
    if (!config_->token_file.empty())
      fault = "the token in " + config_->token_file + (fault.empty() ? "" : " " + fault);
    else if (!fault.empty())
      fault = "the token " + fault;
  }
  if (!not_renewed_.empty()) fault += (fault.empty() ? "" : "; ") + ("not renewed: " + not_renewed_);
  return fault;
}

void Credentials::invalidate(std::uint64_t serial) {
  const std::lock_guard lock(mutex_);
  if (current_ && current_->serial == serial) afresh_ = true;
}

void Credentials::invalidate() {
  const std::lock_guard lock(mutex_);
  afresh_ = true;
}

}  // namespace gitopsd::kubernetes
