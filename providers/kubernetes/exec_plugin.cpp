#include "providers/kubernetes/exec_plugin.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "base/captured_run.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/timestamp.h"
#include "providers/kubernetes/certificate.h"
#include "providers/kubernetes/header_text.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kOutputBytes = 1u << 20;
constexpr const char* kInfo = "KUBERNETES_EXEC_INFO";

std::string plugin_name(const ClientConfig& config) {
  return "the credential plugin '" + config.exec->command + "' of user '" + config.user + "'";
}

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

Failure plugin_missing(const ClientConfig& config, const std::string& where) {
  const std::string& hint = config.exec->install_hint;
  return fail(ProblemCause::input, plugin_name(config) + " is not " + where,
              hint.empty() ? "install it, or name its absolute path in the kubeconfig" : hint);
}

std::string find_program(const ClientConfig& config, const std::string& path) {
  const std::string& command = config.exec->command;
  if (command.find('/') != std::string::npos) {
    if (is_program(command)) return command;
    throw plugin_missing(config, "there, or may not be executed");
  }
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::string folder = path.substr(at, end - at);
    at = end + 1;
    if (!folder.starts_with('/')) continue;  // never the current folder
    std::string candidate = folder + "/" + command;
    if (is_program(candidate)) return candidate;
  }
  throw plugin_missing(config, "in PATH (" + path + ")");
}

std::map<std::string, std::string> environment_of(const ClientConfig& config,
                                                  const PluginSurroundings& surroundings) {
  std::map<std::string, std::string> variables{{"PATH", surroundings.path}, {"HOME", surroundings.home}};
  for (const auto& [name, value] : config.exec->environment) variables[name] = value.reveal();
  variables[kInfo] = exec_info(config);
  return variables;
}

Command command_of(const ClientConfig& config, const PluginSurroundings& surroundings) {
  auto variables = environment_of(config, surroundings);
  Command command;
  command.arguments = {find_program(config, variables["PATH"])};
  command.arguments.insert(command.arguments.end(), config.exec->arguments.begin(),
                           config.exec->arguments.end());
  for (auto& [name, value] : variables) command.environment.push_back(name + "=" + value);
  return command;
}

/// The end of a sentence, where the plugin said something.
std::string quoted_words(const CapturedRun& run) {
  return run.last_words.empty() ? std::string() : ": " + run.last_words;
}

void check_run(const ClientConfig& config, const PluginSurroundings& surroundings, const CapturedRun& run) {
  // Transient all: plugins ask servers of their own, and those fail and recover.
  if (run.too_much)
    throw fail(ProblemCause::transient,
               plugin_name(config) + " printed more than " + std::to_string(kOutputBytes) + " bytes");
  if (run.too_slow)
    throw fail(ProblemCause::transient,
               plugin_name(config) + " did not end within " +
                   std::to_string(surroundings.limit.count() / 1000) + " s" + quoted_words(run),
               "it may be waiting for a person, or for a server that does not answer");
  if (run.status != 0)
    throw fail(ProblemCause::transient,
               plugin_name(config) + " ended with " + describe_wait_status(run.status) + quoted_words(run),
               "run it by hand as the daemon's user");
}

/// A member that must be a string, or empty.
std::string printed_text(const Value& object, const char* key) {
  const Value* found = object.find(key);
  if (!found) return {};
  if (!found->is_string())
    throw fail(ProblemCause::input, "it printed '" + std::string(key) + "' as " +
                                        std::string(found->type_name()) + ", not as a string");
  return found->as_string();
}

void check_version(const Value& credential, const ExecPlugin& plugin) {
  const std::string version = printed_text(credential, "apiVersion"), kind = printed_text(credential, "kind");
  if (kind != "ExecCredential")
    throw fail(ProblemCause::input, "it printed kind '" + kind + "', not ExecCredential");
  if (version != plugin.api_version)
    throw fail(
        ProblemCause::input,
        "it printed apiVersion '" + version + "', and the kubeconfig wants '" + plugin.api_version + "'",
        "change apiVersion in the user's `exec`, or the plugin's version");
}

void check_proofs(const PluginAnswer& answer, WallMicros now) {
  if (answer.token.empty() && answer.certificate.empty() && answer.key.empty())
    throw fail(ProblemCause::input, "it printed neither a token nor a certificate");
  if (!answer.token.empty()) {
    const std::string fault = token_fault(answer.token.reveal());
    if (!fault.empty()) throw fail(ProblemCause::input, "the token that it printed " + fault);
  }
  if (answer.certificate.empty() != answer.key.empty())
    throw fail(ProblemCause::input, answer.key.empty() ? "it printed a certificate without its key"
                                                       : "it printed a key without its certificate");
  if (answer.certificate.empty()) return;
  if (const auto fault = key_problem(answer.certificate, answer.key.reveal()))
    throw fail(ProblemCause::input, "of what it printed, " + *fault);
  if (const auto fault = certificate_problem(answer.certificate, now))
    throw fail(ProblemCause::transient, "of what it printed, " + *fault, "check this machine's clock");
}

WallMicros expiry_of(const Value& status, WallMicros now) {
  const std::string text = printed_text(status, "expirationTimestamp");
  if (text.empty()) return 0;
  const auto expires = parse_rfc3339(text);
  if (!expires) throw fail(ProblemCause::input, "it printed an expirationTimestamp that is no RFC 3339 time");
  if (*expires <= now)
    throw fail(ProblemCause::transient, "the credential that it printed expired at " + rfc3339(*expires),
               "check this machine's clock, and what the plugin keeps in its cache");
  return *expires;
}

}  // namespace

PluginSurroundings PluginSurroundings::of_this_process() {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nothing here sets any
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
  PluginSurroundings surroundings;
  surroundings.path = path ? path : "/usr/local/bin:/usr/bin:/bin";
  surroundings.home = home ? home : "/";
  return surroundings;
}

std::string exec_info(const ClientConfig& config) {
  Value spec = Value::object({{"interactive", false}});
  if (config.exec->provide_cluster_info) {
    Value cluster = Value::object({{"server", config.server}, {"config", config.exec->cluster_settings}});
    if (!config.tls_server_name.empty()) cluster.set("tls-server-name", config.tls_server_name);
    if (config.insecure_skip_tls_verify) cluster.set("insecure-skip-tls-verify", true);
    if (config.disable_compression) cluster.set("disable-compression", true);
    if (!config.proxy_url.empty()) cluster.set("proxy-url", std::string(config.proxy_url.reveal()));
    if (!config.certificate_authority.empty())
      cluster.set("certificate-authority-data", to_base64(config.certificate_authority));
    spec.set("cluster", std::move(cluster));
  }
  return to_json(Value::object(
      {{"apiVersion", config.exec->api_version}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}}));
}

PluginAnswer read_exec_credential(std::string_view output, const ExecPlugin& plugin, WallMicros now) {
  const Value credential = parse_json(output, "its output");
  check_version(credential, plugin);
  const Value* status = credential.find("status");
  if (!status || !status->is_object())
    throw fail(ProblemCause::input, "it printed an ExecCredential without a status");
  PluginAnswer answer;
  answer.token = Secret(printed_text(*status, "token"));
  answer.certificate = printed_text(*status, "clientCertificateData");
  answer.key = Secret(printed_text(*status, "clientKeyData"));
  answer.expires = expiry_of(*status, now);
  check_proofs(answer, now);
  return answer;
}

PluginAnswer run_exec_plugin(const ClientConfig& config, const PluginSurroundings& surroundings,
                             WallMicros now) {
  CapturedRun run = run_captured(command_of(config, surroundings), kOutputBytes, surroundings.limit);
  const Secret output(run.output);
  wipe(run.output.data(), run.output.size());
  check_run(config, surroundings, run);
  try {
    return read_exec_credential(output.reveal(), *config.exec, now);
  } catch (const Failure& failure) {
    const Problem& problem = failure.problems().front();
    throw fail(problem.cause,
               plugin_name(config) + ": " + (problem.file.empty() ? "" : "no JSON: ") + problem.message,
               problem.hint);
  }
}

}  // namespace gitopsd::kubernetes
