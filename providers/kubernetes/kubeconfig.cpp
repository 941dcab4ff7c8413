#include "providers/kubernetes/kubeconfig.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/yaml.h"
#include "providers/kubernetes/certificate.h"
#include "providers/kubernetes/header_text.h"
#include "providers/kubernetes/kubeconfig_fields.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kKubeconfigBytes = 1u << 20;
constexpr const char* kWhere =
    "the setting `kubeconfig` names it; the user that the provider runs as has to be able to read it";
constexpr std::size_t kPemBytes = 1u << 20;
constexpr std::string_view kPluginExtension = "client.authentication.k8s.io/exec";

std::string comma_list(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

/// `contexts`, `clusters` or `users`: mappings of a name and of one member that holds the rest. Of those of
/// one name in several files the first counts.
class NamedList {
 public:
  NamedList(const std::vector<Fields>& roots, std::string key, std::string kind)
      : key_(std::move(key)), kind_(std::move(kind)) {
    for (const Fields& root : roots) {
      const std::size_t of_others = names_.size();
      for (const Fields& item : root.items(key_)) add(item, of_others);
    }
  }

  /// nullptr when there is none of that name.
  const Fields* find(const std::string& name) const {
    const auto it = std::find(names_.begin(), names_.end(), name);
    return it == names_.end() ? nullptr : &items_[static_cast<std::size_t>(it - names_.begin())];
  }

  /// "did you mean 'prod'? contexts: dev, prod"
  std::string hint(const std::string& name) const {
    const std::string near = did_you_mean(name, names_);
    return (near.empty() ? "" : "did you mean '" + near + "'? ") + known();
  }
  std::string known() const { return key_ + ": " + comma_list(names_); }
  std::string quoted(const std::string& name) const { return kind_ + " '" + name + "'"; }

 private:
  void add(const Fields& item, std::size_t of_others) {
    std::string name = item.text("name");
    if (name.empty()) throw item.refusal({}, "has no 'name'");
    const auto known = std::find(names_.begin(), names_.end(), name);
    if (known != names_.end() && static_cast<std::size_t>(known - names_.begin()) < of_others) return;
    if (known != names_.end())
      throw item.refusal("name", "there are two with the name '" + name + "'", "rename or remove one");
    items_.push_back(item);
    names_.push_back(std::move(name));
  }

  std::string key_, kind_;
  std::vector<Fields> items_;
  std::vector<std::string> names_;
};

/// The files beside the kubeconfig, read when it is.
class Beside {
 public:
  explicit Beside(const std::filesystem::path& kubeconfig) : folder_(kubeconfig.parent_path()) {}

  /// Absolute, or empty where the member is.
  std::string path(const Fields& fields, std::string_view key) const {
    const std::string name = fields.text(key);
    return name.empty() ? name : absolute(name);
  }
  std::string absolute(const std::string& name) const { return (folder_ / name).lexically_normal().string(); }

  /// The PEM text of `key`-data, or else of the file that `key` names, which goes to `file`.
  std::string pem(const Fields& fields, const std::string& key, std::string& file) const {
    if (std::string data = fields.bytes(key + "-data"); !data.empty()) return data;
    file = path(fields, key);
    return file.empty() ? std::string() : content(fields, key, file);
  }

  std::string content(const Fields& fields, std::string_view key, const std::string& file) const {
    try {
      return read_file(file, kPemBytes);
    } catch (const Failure& failure) {
      throw fields.refusal(key, "'" + std::string(key) + "': " + failure.problems().front().message);
    }
  }

 private:
  std::filesystem::path folder_;
};

/// As client-go: no query, no slash at the end. Stricter: it takes `host:6443` too, and then speaks plain
/// HTTP without credentials, which nobody wants.
std::string server_of(const Fields& cluster) {
  std::string server = cluster.text("server");
  if (server.empty()) throw cluster.refusal({}, "has no 'server'", "write server: https://HOST:PORT");
  server = server.substr(0, server.find_first_of("?#"));
  const std::size_t scheme = server.find("://");
  const std::string before = server.substr(0, scheme == std::string::npos ? 0 : scheme);
  if (before != "https" && before != "http")
    throw cluster.refusal("server", "'server' must start with https://", "write server: https://HOST:PORT");
  while (server.ends_with('/') && server.size() > scheme + 3) server.pop_back();
  const std::string host = server.substr(scheme + 3, server.find('/', scheme + 3) - scheme - 3);
  if (host.empty()) throw cluster.refusal("server", "'server' names no host");
  if (host.find('@') != std::string::npos)
    throw cluster.refusal("server", "'server' must hold no user name or password",
                          "write them into the user");
  if (!is_header_text(server) || server.find(' ') != std::string::npos)
    throw cluster.refusal("server", "'server' holds a space or a control character");
  return server;
}

void read_cluster(const Fields& cluster, const Beside& beside, ClientConfig& config) {
  config.server = server_of(cluster);
  config.tls_server_name = cluster.text("tls-server-name");
  config.insecure_skip_tls_verify = cluster.flag("insecure-skip-tls-verify");
  config.disable_compression = cluster.flag("disable-compression");
  config.proxy_url = Secret(cluster.text("proxy-url"));
  const std::string_view proxy = config.proxy_url.reveal();
  if (!proxy.empty() && !proxy.starts_with("http://") && !proxy.starts_with("https://") &&
      !proxy.starts_with("socks5://"))
    throw cluster.refusal("proxy-url", "'proxy-url' must start with http://, https:// or socks5://");
  config.certificate_authority =
      beside.pem(cluster, "certificate-authority", config.certificate_authority_file);
  if (config.insecure_skip_tls_verify && !config.certificate_authority.empty())
    throw cluster.refusal("insecure-skip-tls-verify",
                          "a certificate authority is given, and 'insecure-skip-tls-verify' would ignore it",
                          "remove insecure-skip-tls-verify");
}

/// Of the extensions, the one for plugins; null where there is none.
Value plugin_settings(const Fields& cluster) {
  for (const Fields& extension : cluster.items("extensions")) {
    if (extension.text("name") != kPluginExtension) continue;
    const Value* settings = extension.value().find("extension");
    return settings ? *settings : Value();
  }
  return {};
}

void check_interactive_mode(const Fields& exec, bool must_be_there) {
  const std::string mode = exec.text("interactiveMode");
  if (mode == "Never" || mode == "IfAvailable" || (mode.empty() && !must_be_there)) return;
  if (mode == "Always")
    throw exec.refusal(
        "interactiveMode", "the plugin wants to ask a person ('interactiveMode: Always')",
        "nobody is there to answer: use a plugin that works without, such as one for machines");
  throw exec.refusal("interactiveMode",
                     mode.empty() ? "has no 'interactiveMode', which v1 needs"
                                  : "there is no interactiveMode '" + mode + "'",
                     "write interactiveMode: Never");
}

std::string on_one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

ExecPlugin read_plugin(const Fields& exec, const Beside& beside) {
  constexpr std::string_view kVersions[] = {"client.authentication.k8s.io/v1",
                                            "client.authentication.k8s.io/v1beta1"};
  ExecPlugin plugin;
  plugin.api_version = exec.text("apiVersion");
  if (plugin.api_version != kVersions[0] && plugin.api_version != kVersions[1])
    throw exec.refusal("apiVersion",
                       plugin.api_version.empty()
                           ? "has no 'apiVersion'"
                           : "apiVersion '" + plugin.api_version + "' is not supported",
                       "client.authentication.k8s.io/v1 and /v1beta1 are");
  plugin.command = exec.text("command");
  if (plugin.command.empty()) throw exec.refusal({}, "has no 'command'");
  if (plugin.command.find('/') != std::string::npos) plugin.command = beside.absolute(plugin.command);
  plugin.arguments = exec.texts("args");
  for (const Fields& variable : exec.items("env")) {
    std::string name = variable.text("name");
    if (name.empty() || name.find('=') != std::string::npos)
      throw variable.refusal("name", "has no 'name' that an environment variable can have");
    plugin.environment.emplace_back(std::move(name), Secret(variable.text("value")));
  }
  plugin.install_hint = on_one_line(exec.text("installHint"));
  plugin.provide_cluster_info = exec.flag("provideClusterInfo");
  check_interactive_mode(exec, plugin.api_version == kVersions[0]);
  return plugin;
}

void check_header_text(const Fields& user, std::string_view key, std::string_view text) {
  if (!is_header_text(text))
    throw user.refusal(key, "'" + std::string(key) + "' holds control characters, which no HTTP header can");
}

Impersonation read_impersonation(const Fields& user) {
  Impersonation as;
  as.user = user.text("as");
  as.uid = user.text("as-uid");
  as.groups = user.texts("as-groups");
  const Fields extra = user.section("as-user-extra");
  if (extra.value().is_object())
    for (const auto& [key, member] : extra.value().as_object()) as.extra[key] = extra.texts(key);
  if (as.user.empty() && (!as.uid.empty() || !as.groups.empty() || !as.extra.empty()))
    throw user.refusal({}, "'as-uid', 'as-groups' and 'as-user-extra' need 'as'", "name the user to act as");
  check_header_text(user, "as", as.user);
  check_header_text(user, "as-uid", as.uid);
  for (const auto& group : as.groups) check_header_text(user, "as-groups", group);
  for (const auto& [key, values] : as.extra)
    for (const auto& value : values) check_header_text(user, "as-user-extra", value);
  return as;
}

void read_certificate(const Fields& user, const Beside& beside, ClientConfig& config) {
  config.client_certificate = beside.pem(user, "client-certificate", config.client_certificate_file);
  config.client_key = Secret(beside.pem(user, "client-key", config.client_key_file));
  if (config.client_certificate.empty() && config.client_key.empty()) return;
  if (config.client_key.empty())
    throw user.refusal({}, "has a client certificate and no key", "add client-key or client-key-data");
  if (config.client_certificate.empty())
    throw user.refusal({}, "has a client key and no certificate",
                       "add client-certificate or client-certificate-data");
  const char* member = user.has("client-key-data") ? "client-key-data" : "client-key";
  if (is_encrypted_key(config.client_key.reveal())) {
    const std::string& file = config.client_key_file;
    throw user.refusal(member,
                       (file.empty() ? "the key in 'client-key-data'" : "the key " + file) +
                           " is encrypted, and nobody is there to type its password",
                       "take that off with: openssl pkey -in " + (file.empty() ? "KEY" : file) +
                           " -out NEW, and keep NEW readable by gitopsd alone");
  }
  if (const auto fault = key_problem(config.client_certificate, config.client_key.reveal()))
    throw user.refusal(member, *fault);
}

void read_token(const Fields& user, const Beside& beside, ClientConfig& config) {
  config.token = Secret(user.text("token"));
  if (!config.token.empty()) {
    const std::string fault = token_fault(config.token.reveal());
    if (!fault.empty()) throw user.refusal("token", "'token' " + fault);
  }
  config.token_file = beside.path(user, "tokenFile");
  if (config.token_file.empty() || !config.token.empty()) return;
  const Secret content(beside.content(user, "tokenFile", config.token_file));
  const std::string fault = token_fault(trimmed(content.reveal()));
  if (!fault.empty()) throw user.refusal("tokenFile", "the token in " + config.token_file + " " + fault);
}

void read_user(const Fields& user, const Beside& beside, ClientConfig& config) {
  if (user.has("auth-provider")) {
    const std::string name = user.section("auth-provider").text("name");
    throw user.refusal("auth-provider",
                       "auth-provider" + (name.empty() ? "" : " '" + name + "'") +
                           " is gone from Kubernetes' clients since 1.26",
                       "use `exec` with that vendor's credential plugin, a token or a certificate");
  }
  config.impersonate = read_impersonation(user);
  if (!config.server.starts_with("https://")) return;
  read_certificate(user, beside, config);
  read_token(user, beside, config);
  config.username = user.text("username");
  config.password = Secret(user.text("password"));
  if (!config.token.empty() && (!config.username.empty() || !config.password.empty()))
    throw user.refusal("token", "has both a token and a user name with password", "keep one of them");
  if (user.has("exec")) config.exec = read_plugin(user.section("exec"), beside);
}

std::string read_kubeconfig(const std::string& path) {
  try {
    return read_file(path, kKubeconfigBytes);
  } catch (const Failure& failure) {
    Problem problem = failure.problems().front();
    if (::access(path.c_str(), R_OK) != 0) problem.hint = kWhere;
    throw Failure(std::move(problem));
  }
}

Value parse_kubeconfig(const std::string& path) {
  std::string text = read_kubeconfig(path);
  YamlLimits limits;
  limits.bytes = kKubeconfigBytes;
  std::vector<Value> documents = parse_yaml(text, path, limits);
  wipe(text.data(), text.size());
  if (documents.empty())
    throw Failure(Problem{ProblemCause::input, "the kubeconfig is empty", "write it anew", path, {}});
  if (documents.size() > 1)
    throw Failure(Problem{ProblemCause::input, "the kubeconfig has a second document",
                          "keep one, without a line ---", path, documents[1].position});
  return std::move(documents[0]);
}

void check_kind(const Fields& root) {
  const std::string kind = root.text("kind"), version = root.text("apiVersion");
  if ((!kind.empty() && kind != "Config") || (!version.empty() && version != "v1"))
    throw root.refusal(kind == "Config" || kind.empty() ? "apiVersion" : "kind",
                       "it is no kubeconfig but '" + version + "', kind '" + kind + "'",
                       "a kubeconfig has apiVersion: v1 and kind: Config");
}

/// The first that sets it, else the first.
const Fields& root_of_current(const std::vector<Fields>& roots) {
  const auto it = std::find_if(roots.begin(), roots.end(),
                               [](const Fields& root) { return !root.text("current-context").empty(); });
  return it == roots.end() ? roots.front() : *it;
}

/// Its name, and its mapping called "context 'NAME'".
std::pair<std::string, Fields> choose_context(const std::vector<Fields>& roots, const std::string& wanted) {
  const NamedList contexts(roots, "contexts", "context");
  const Fields& root = root_of_current(roots);
  const std::string name = wanted.empty() ? root.text("current-context") : wanted;
  if (name.empty())
    throw root.refusal({}, "no context is chosen: 'current-context' is not set",
                       "name the context to use; " + contexts.known());
  const Fields* entry = contexts.find(name);
  if (!entry)
    throw root.refusal(wanted.empty() ? "current-context" : "contexts",
                       "there is no " + contexts.quoted(name), contexts.hint(name));
  return {name, entry->named(contexts.quoted(name)).section("context").named(contexts.quoted(name))};
}

/// The cluster or user that the context names.
Fields member_of(const std::vector<Fields>& roots, const Fields& context, const std::string& kind,
                 const std::string& name, const std::string& context_name) {
  const NamedList all(roots, kind + "s", kind);
  const Fields* entry = all.find(name);
  if (!entry) throw context.refusal(kind, "there is no " + all.quoted(name), all.hint(name));
  const std::string what = all.quoted(name) + " of context '" + context_name + "'";
  return entry->named(what).section(kind).named(what);
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) || error;
}

/// How long after a try that failed, of what may have been replaced half: two files cannot be at once.
constexpr std::chrono::seconds kReadHalfAgain{5};

}  // namespace

ClientConfig load_kubeconfig(const std::string& path, const std::string& wanted) {
  return load_kubeconfig(std::vector{path}, wanted);
}

ClientConfig load_kubeconfig(const std::vector<std::string>& paths, const std::string& wanted) {
  std::vector<std::string> files;
  for (const auto& path : paths)
    if (paths.size() == 1 || is_there(path)) files.push_back(absolute_path(path));
  if (files.empty())
    throw fail(ProblemCause::input, "none of the kubeconfigs is there: " + comma_list(paths), kWhere);
  std::vector<Value> documents;
  documents.reserve(files.size());
  for (const auto& file : files) documents.push_back(parse_kubeconfig(file));
  std::vector<Fields> roots;
  for (std::size_t i = 0; i < files.size(); ++i) {
    roots.emplace_back(documents[i], files[i], "the kubeconfig");
    check_kind(roots.back());
  }
  const auto [name, context] = choose_context(roots, wanted);
  ClientConfig config;
  config.origin = comma_list(files);
  config.context = name;
  config.cluster = context.text("cluster");
  config.user = context.text("user");
  if (std::string space = context.text("namespace"); !space.empty())
    config.default_namespace = std::move(space);
  if (config.cluster.empty()) throw context.refusal({}, "names no 'cluster'");
  const Fields cluster = member_of(roots, context, "cluster", config.cluster, name);
  read_cluster(cluster, Beside{cluster.file()}, config);
  if (config.user.empty()) return config;
  const Fields user = member_of(roots, context, "user", config.user, name);
  read_user(user, Beside{user.file()}, config);
  if (config.exec) config.exec->cluster_settings = plugin_settings(cluster);
  return config;
}

std::vector<FileMark> Kubeconfig::marks() const {
  std::vector<FileMark> out;
  for (const auto& path : paths_) out.push_back(FileMark::of(path));
  return out;
}

ClientConfig Kubeconfig::load() {
  marks_ = marks();  // before reading: what changes meanwhile is seen the next time
  ClientConfig config = load_kubeconfig(paths_, context_);
  context_ = config.context;
  return config;
}

std::optional<ClientConfig> Kubeconfig::renewed(Monotonic::time_point now) {
  const bool again = failed_at_ && now - *failed_at_ >= kReadHalfAgain;
  if (!again && marks() == marks_) return std::nullopt;
  failed_at_ = now;
  ClientConfig config = load();
  failed_at_.reset();
  return config;
}

}  // namespace gitopsd::kubernetes
