#include "providers/kubernetes/service_account.h"

#include <cstdlib>

#include "base/file.h"
#include "base/problem.h"
#include "providers/kubernetes/header_text.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kMountedBytes = 1u << 20;

std::string environment_variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets any
  return value ? value : "";
}

std::string mounted(const std::string& path) {
  try {
    return read_file(path, kMountedBytes);
  } catch (const Failure& failure) {
    throw fail(ProblemCause::input, "the Pod's service account: " + failure.problems().front().message,
               "let the Pod mount its token (automountServiceAccountToken), or name a kubeconfig");
  }
}

}  // namespace

ClientConfig service_account_config() {
  return service_account_config(environment_variable("KUBERNETES_SERVICE_HOST"),
                                environment_variable("KUBERNETES_SERVICE_PORT"));
}

ClientConfig service_account_config(const std::string& host, const std::string& port,
                                    const std::string& folder) {
  if (host.empty() || port.empty())
    throw fail(ProblemCause::input,
               "this is no Pod: " +
                   std::string(host.empty() ? "KUBERNETES_SERVICE_HOST" : "KUBERNETES_SERVICE_PORT") +
                   " is not set",
               "name a kubeconfig");
  ClientConfig config;
  config.origin = "the Pod's service account in " + folder;
  const bool six = host.find(':') != std::string::npos;
  config.server = "https://" + (six ? "[" + host + "]" : host) + ":" + port;
  config.token_file = folder + "/token";
  const Secret token(mounted(config.token_file));
  if (const std::string fault = token_fault(trimmed(token.reveal())); !fault.empty())
    throw fail(ProblemCause::input, "the token in " + config.token_file + " " + fault);
  config.certificate_authority_file = folder + "/ca.crt";
  config.certificate_authority = mounted(config.certificate_authority_file);
  try {
    const std::string space = read_file(folder + "/namespace", kMountedBytes);
    if (!trimmed(space).empty()) config.default_namespace = trimmed(space);
  } catch (const Failure&) {
    // As client-go: only the token and the authority must be there.
  }
  return config;
}

}  // namespace gitopsd::kubernetes
