// The configuration: one immutable snapshot, which a sync holds to its end.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/problem.h"
#include "base/secret.h"
#include "base/types.h"
#include "base/value.h"

namespace gitopsd::config {

using std::chrono::milliseconds;

/// Where a secret is, never what it is: exactly one member is set.
struct SecretRef {
  std::string credential;   ///< systemd credential: a file in $CREDENTIALS_DIRECTORY
  std::string file;         ///< absolute path
  std::string environment;  ///< environment variable
  /// "credential NAME", "file PATH" or "environment variable NAME".
  std::string str() const;
  /// Reads it; one trailing newline is dropped. Throws Failure that names the place, never the bytes.
  Secret resolve() const;
  /// The file that holds it, for programs that read it themselves. Throws Failure for an environment
  /// variable.
  std::string path() const;
};

struct Tls {
  std::string certificate;  ///< PEM chain
  std::string key;          ///< PEM
};

struct Limits {
  std::size_t header_bytes = 16u << 10;
  std::size_t body_bytes = 25u << 20;
  std::size_t unproven_body_bytes = 64u << 20;  ///< all connections together; beyond it 503
  milliseconds header_timeout{10'000};          ///< one deadline for TLS handshake and the whole header block
  milliseconds idle_timeout{75'000};            ///< between requests of one connection
  std::size_t body_rate = 4096;                 ///< bytes per second, after a grace of five seconds
  int connections = 4096;
  int connections_per_address = 256;
  int failed_proofs_per_minute = 60;  ///< per address; beyond it 429
  milliseconds stop_timeout{10'000};  ///< from SIGTERM until connections are cut off
};

struct Server {
  std::string listen = "[::]:443";  ///< ADDRESS:PORT, or "systemd" for an inherited socket
  std::optional<Tls> tls;           ///< nothing only with `plain_http: true`
  bool plain_http = false;
  std::vector<std::string> trusted_proxies;  ///< addresses or CIDR blocks whose X-Forwarded-For is believed
  std::string public_url;                    ///< what `gitopsctl hook add` and answers print
  Limits limits;
};

struct Metrics {
  std::string listen;  ///< empty: off
};

struct Api {
  std::string socket = "/run/gitopsd/api.sock";
  std::vector<std::string> users;  ///< besides root and the daemon's own user, by name
};

struct Store {
  std::string path = "/var/lib/gitopsd";  ///< state directory: database, mirrors, keys
  milliseconds keep_events{std::chrono::hours(24 * 90)};
  int keep_syncs = 10;       ///< succeeded syncs of each application whose documents are kept
  std::string installation;  ///< UUID that a new store takes from one that was lost; empty: a new one
};

/// The programs that render kustomizations and charts, and what one run of them may take.
struct Renderers {
  std::string kustomize;  ///< absolute path; empty: found in PATH, or else kubectl
  std::string helm;       ///< absolute path; empty: found in PATH
  milliseconds timeout{60'000};
  std::size_t memory_bytes = 1u << 30;
  std::size_t output_bytes = 64u << 20;
};

struct Hook {
  HookName name;
  std::string forge;
  std::vector<SecretRef> secrets;            ///< any one may match
  std::vector<RepositoryName> repositories;  ///< that it may speak for
};

struct Repository {
  RepositoryName name;
  std::string url;                   ///< https://, http://, ssh://, git@host:path, git:// or file:///
  std::vector<std::string> aliases;  ///< other names payloads may use: "owner/name" or URLs
  std::string user;                  ///< for HTTPS basic authentication; default "git" for SSH
  std::optional<SecretRef> token;    ///< HTTPS password or token
  std::optional<SecretRef> ssh_key;  ///< private key, never an environment variable
  std::string known_hosts;           ///< path; needed for SSH
  std::string ca_file;               ///< PEM, instead of the system's authorities
  std::string proxy;                 ///< http://HOST:PORT
  milliseconds poll{std::chrono::minutes(5)};  ///< zero: never
  milliseconds connect_timeout{10'000};
  milliseconds idle_timeout{30'000};
  milliseconds total_timeout{std::chrono::minutes(10)};
  bool require_signed = false;  ///< apply only commits that a body-signed delivery named
};

struct Destination {
  DestinationName name;
  std::string provider;  ///< "host": the program gitopsd-provider-host
  std::string command;   ///< absolute path of another provider executable, or empty
  std::string socket;    ///< Unix socket of a provider that systemd starts; empty: a child of the daemon
  Value settings;        ///< for the provider's `initialize`, opaque here
  std::string file;      ///< where it is declared, main file or fragment
  Position position;
};

/// What is done with a difference that the daemon did not make.
enum class DriftPolicy { heal, report, ignore };
/// What becomes of a commit of which some documents are invalid: nothing of it, or what is valid.
enum class InvalidPolicy { refuse, skip };

/// How a chart becomes documents, as `helm template` takes it.
struct Helm {
  std::string release;              ///< empty: the application's name
  std::string target_namespace;     ///< `namespace` in the file
  std::vector<std::string> values;  ///< files, from the chart's folder, or with a leading slash from the root
  Value inline_values;              ///< `inline` in the file; they win over the files
  bool crds = true;                 ///< of the chart's crds folder
  std::string kube_version;         ///< empty: as the destination says
  std::vector<std::string> api_versions;  ///< besides those of the destination
};

/// A path in a repository at one ref, and the destination it belongs on.
struct Application {
  ApplicationName name;
  ApplicationUid uid;
  RepositoryName repository;
  /// Full name; "main" in the file means refs/heads/main. With a `*` it is a pattern of tags such as
  /// refs/tags/v*: the newest in semver order is followed.
  std::string ref = "refs/heads/main";
  std::string path;  ///< relative, normalised, no leading or trailing slash; "" is the root
  std::vector<std::string>
      include;  ///< globs over paths below `path`; empty: *.yaml, *.yml, *.json at any depth
  std::vector<std::string> exclude;
  std::vector<RepositoryName> bases;  ///< other repositories that its kustomizations may build on
  Value kustomize;                    ///< null, or members of a kustomization that are laid over the path's
  std::optional<Helm> helm;           ///< given: the path is a chart
  std::map<std::string, std::string>
      substitute;  ///< variables of ${NAME} in documents; empty: none is replaced
  DestinationName destination;
  Value policy;    ///< what it may do there; the provider's, opaque here
  Value defaults;  ///< options its resources get where a document says nothing: {prune, drift, apply}
  DriftPolicy drift = DriftPolicy::heal;
  InvalidPolicy invalid = InvalidPolicy::refuse;
  bool approve = false;  ///< every plan waits for `gitopsctl approve`
  bool suspended = false;
  milliseconds check_interval{std::chrono::minutes(10)};  ///< full drift check
  milliseconds health_timeout{std::chrono::minutes(5)};
  std::string file;  ///< where it is declared, main file or fragment
  Position position;
};

struct Config {
  std::string file;  ///< the main file it was read from
  Server server;
  Metrics metrics;
  Api api;
  Store store;
  Renderers renderers;
  std::vector<Hook> hooks;
  std::vector<Repository> repositories;
  std::vector<Destination> destinations;
  std::vector<Application> applications;
  std::vector<Problem> warnings;  ///< what is allowed and unwise

  // nullptr where there is none of that name.
  const Hook* hook(const HookName&) const;
  const Repository* repository(const RepositoryName&) const;
  const Destination* destination(const DestinationName&) const;
  const Application* application(const ApplicationName&) const;
};

using Snapshot = std::shared_ptr<const Config>;

/// Reads `path` and the *.yaml fragments of `conf.d` beside it, in name order. Throws Failure with every
/// problem found, each with file:line:column. `resolve_secrets` also reads each secret and refuses empty and
/// short ones.
Snapshot load(const std::string& path, bool resolve_secrets = true);
/// The same from text; for tests and fuzzing. Reads no other file.
Snapshot parse(std::string_view yaml, const std::string& file = "gitopsd.yaml");

/// The JSON Schema (draft 7) that editors use: config/gitopsd.schema.json, built in.
std::string_view schema();

}  // namespace gitopsd::config
