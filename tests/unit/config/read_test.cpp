// What a good configuration becomes.
#include <doctest/doctest.h>

#include "config/config.h"
#include "tests/unit/config/problems.h"

using namespace gitopsd;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kWhole = R"(
server:
  listen: 127.0.0.1:8080
  plain_http: true
  trusted_proxies: [10.0.0.5, fd00::/8]
  public_url: https://gitops.example.com/
  limits: {body_bytes: 1MiB, header_bytes: 4096, header_timeout: 250ms, connections: 7}
metrics: {listen: "[::1]:9464"}
api: {socket: /tmp/x/../api.sock}
store: {path: /srv//gitopsd/, keep_events: 30d, keep_syncs: 3}
hooks:
  - {name: github, forge: github, secrets: [{file: /etc/a}, {environment: B}], repositories: [infra]}
repositories:
  - {name: infra, url: "https://github.com/octo/infra.git", token: {credential: t}, require: signed, poll: 0s}
  - {name: site, url: "git@example.com:web/site.git", known_hosts: /etc/kh, ssh_key: {file: /etc/key}}
destinations:
  - {name: here, provider: host, settings: {anything: [1, {b: c}]}}
applications:
  - name: web
    uid: old-web
    repository: infra
    path: ./hosts//web/
    destination: here
    policy: {paths: [/srv]}
    defaults: {prune: confirm, apply: create-only}
    drift: report
    approve: yes
    check_interval: 1h
  - {name: site, repository: site, destination: here, tag_pattern: "v*"}
)";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const auto at = out.find(from);
  REQUIRE(at != out.npos);
  return out.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("every section is read into its type") {
  const auto c = config::parse(replaced(kWhole, "/tmp/x/../api.sock", "/tmp/./api.sock"));
  CHECK(c->server.listen == "127.0.0.1:8080");
  CHECK(c->server.plain_http);
  CHECK(!c->server.tls);
  CHECK(c->server.trusted_proxies == std::vector<std::string>{"10.0.0.5", "fd00::/8"});
  CHECK(c->server.public_url == "https://gitops.example.com");
  CHECK(c->server.limits.body_bytes == 1u << 20);
  CHECK(c->server.limits.header_bytes == 4096);
  CHECK(c->server.limits.header_timeout == 250ms);
  CHECK(c->server.limits.connections == 7);
  CHECK(c->server.limits.idle_timeout == 75s);
  CHECK(c->metrics.listen == "[::1]:9464");
  CHECK(c->api.socket == "/tmp/api.sock");
  CHECK(c->store.path == "/srv/gitopsd");
  CHECK(c->store.keep_events == 24h * 30);
  CHECK(c->store.keep_syncs == 3);

  REQUIRE(c->hook(HookName("github")) != nullptr);
  const auto& hook = *c->hook(HookName("github"));
  CHECK(hook.forge == "github");
  REQUIRE(hook.secrets.size() == 2);
  CHECK(hook.secrets[0].str() == "file /etc/a");
  CHECK(hook.secrets[1].str() == "environment variable B");
  CHECK(hook.repositories == std::vector{RepositoryName("infra")});

  const auto& infra = *c->repository(RepositoryName("infra"));
  CHECK(infra.token->str() == "credential t");
  CHECK(infra.require_signed);
  CHECK(infra.poll == 0ms);
  const auto& site = *c->repository(RepositoryName("site"));
  CHECK(site.user == "git");
  CHECK(!site.require_signed);
  CHECK(site.poll == 5min);

  CHECK(c->destination(DestinationName("here"))->settings.at_pointer("/anything/1/b")->as_string() == "c");

  const auto& web = *c->application(ApplicationName("web"));
  CHECK(web.uid.str() == "old-web");
  CHECK(web.ref == "refs/heads/main");
  CHECK(web.path == "hosts/web");
  CHECK(web.drift == config::DriftPolicy::report);
  CHECK(web.approve);
  CHECK(web.check_interval == 1h);
  CHECK(web.defaults.get_string("apply") == "create-only");
  CHECK(web.position.line == 19);
  CHECK(web.position.column == 5);
  CHECK(web.file == "gitopsd.yaml");
  CHECK(c->application(ApplicationName("site"))->uid.str() == "site");
  CHECK(c->application(ApplicationName("site"))->ref == "refs/tags/v*");
  CHECK(c->application(ApplicationName("none")) == nullptr);
}

TEST_CASE("'..' in a path is refused") {
  CHECK(test::problems(kWhole).find("api.socket: \"/tmp/x/../api.sock\" is no path ('..' is not allowed") !=
        std::string::npos);
}

TEST_CASE("an empty configuration is one") {
  CHECK(config::parse("")->applications.empty());
  CHECK(config::parse("# nothing\n")->server.listen == "[::]:443");
}

TEST_CASE("refs are written short or in full") {
  const auto ref = [](std::string_view given) {
    return config::parse(
               "repositories: [{name: r, url: 'file:///r'}]\n"
               "destinations: [{name: d, provider: host}]\n"
               "applications: [{name: a, repository: r, destination: d, " +
               std::string(given) + "}]\n")
        ->applications.at(0)
        .ref;
  };
  CHECK(ref("ref: main") == "refs/heads/main");
  CHECK(ref("ref: feature/x") == "refs/heads/feature/x");
  CHECK(ref("ref: refs/heads/main") == "refs/heads/main");
  CHECK(ref("ref: refs/tags/v1") == "refs/tags/v1");
  CHECK(ref("tag: v1.2.3") == "refs/tags/v1.2.3");
  CHECK(ref("tag: refs/tags/v1.2.3") == "refs/tags/v1.2.3");
  CHECK(ref("tag_pattern: 'v1.*'") == "refs/tags/v1.*");
  CHECK(ref("tag_pattern: refs/tags/app-*") == "refs/tags/app-*");
}

TEST_CASE("how an application is rendered") {
  const auto c = config::parse(R"(
renderers: {kustomize: /opt/kustomize, helm: /opt//helm, timeout: 5s, memory_bytes: 2GiB, output_bytes: 1MiB}
repositories: [{name: infra, url: "https://github.com/octo/infra.git"}]
destinations: [{name: here, provider: host}]
applications:
  - {name: a, repository: infra, destination: here, kustomize: {namespace: shop, images: [{name: x, newTag: "1"}]}}
  - name: b
    repository: infra
    destination: here
    helm:
      release: r
      namespace: shop
      values: [values-x.yaml, /shared/values.yaml, ../values.yaml]
      inline: {replicas: 3}
      crds: false
      kube_version: "1.34"
      api_versions: [a/v1]
    substitute: {NAME: text, NUMBER: 7, FLAG: true}
  - {name: c, repository: infra, destination: here}
)");
  CHECK(c->renderers.kustomize == "/opt/kustomize");
  CHECK(c->renderers.helm == "/opt/helm");
  CHECK(c->renderers.timeout == 5s);
  CHECK(c->renderers.memory_bytes == 2u << 30);
  CHECK(c->renderers.output_bytes == 1u << 20);
  CHECK(c->applications[0].kustomize.get_string("namespace") == "shop");
  CHECK(!c->applications[0].helm);
  REQUIRE(c->applications[1].helm);
  const auto& helm = *c->applications[1].helm;
  CHECK(helm.release == "r");
  CHECK(helm.target_namespace == "shop");
  CHECK(helm.values == std::vector<std::string>{"values-x.yaml", "/shared/values.yaml", "../values.yaml"});
  CHECK(helm.inline_values.get_int("replicas") == 3);
  CHECK(!helm.crds);
  CHECK(helm.kube_version == "1.34");
  CHECK(helm.api_versions == std::vector<std::string>{"a/v1"});
  CHECK(c->applications[1].substitute ==
        std::map<std::string, std::string>{{"FLAG", "true"}, {"NAME", "text"}, {"NUMBER", "7"}});
  CHECK(c->applications[2].kustomize.is_null());
  CHECK(c->applications[2].substitute.empty());
}
