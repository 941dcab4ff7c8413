#include "providers/kubernetes/kubeconfig.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/problem.h"
#include "providers/kubernetes/service_account.h"
#include "tests/unit/kubernetes/folder.h"
#include "tests/unit/kubernetes/test_certificate.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

const TestCertificate& admin() {
  static const TestCertificate made = make_certificate("kubernetes-admin", 0, 4'000'000'000'000'000);
  return made;
}

/// What went wrong, with the folder's path as DIR.
std::string refusal_of(const Folder& folder, const std::string& text, const std::string& context = {}) {
  const std::string path = folder.write("config", text);
  try {
    load_kubeconfig(path, context);
  } catch (const Failure& failure) {
    REQUIRE(failure.cause() == ProblemCause::input);
    std::string said = failure.what();
    const std::string root = folder.at("");
    for (std::size_t at; (at = said.find(root)) != std::string::npos;) said.replace(at, root.size(), "DIR/");
    return said;
  }
  return "none";
}

/// With one cluster and one user, whose lines are given.
std::string minimal(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: prod\ncontexts:\n"
         "- name: prod\n  context: {cluster: main, user: bot}\n"
         "clusters:\n- name: main\n  cluster:\n" +
         cluster + "users:\n- name: bot\n  user:\n" + user;
}

constexpr const char* kServer = "    server: https://10.0.0.1:6443\n";

/// As kubeadm writes it, with a second context by hand.
std::string realistic() {
  return R"(apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: )" +
         to_base64(admin().certificate) + R"(
    server: https://192.168.1.10:6443/
  name: kubernetes
- cluster:
    certificate-authority: pki/ca.crt
    server: https://edge.example.org/k8s/clusters/c-1?x=1
    tls-server-name: kubernetes.default
    proxy-url: socks5://proxy:1080
    disable-compression: true
  name: edge
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
- context:
    cluster: edge
    namespace: shop
    user: bot
  name: edge
current-context: kubernetes-admin@kubernetes
kind: Config
preferences: {}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: )" +
         to_base64(admin().certificate) + R"(
    client-key-data: )" +
         to_base64(admin().key) + R"(
- name: bot
  user:
    tokenFile: bot.token
    as: deployer
    as-uid: "17"
    as-groups: [ops, web]
    as-user-extra: {scopes: [a, b]}
    unheard-of: 3
)";
}

}  // namespace

TEST_CASE("a kubeconfig's current context") {
  const Folder folder;
  const auto config = load_kubeconfig(folder.write("admin.conf", realistic()));
  CHECK(config.origin == folder.at("admin.conf"));
  CHECK(config.context == "kubernetes-admin@kubernetes");
  CHECK(config.cluster == "kubernetes");
  CHECK(config.user == "kubernetes-admin");
  CHECK(config.server == "https://192.168.1.10:6443");
  CHECK(config.certificate_authority == admin().certificate);
  CHECK(config.certificate_authority_file.empty());
  CHECK(config.client_certificate == admin().certificate);
  CHECK(config.client_key.equals(admin().key));
  CHECK(config.default_namespace == "default");
  CHECK_FALSE(config.exec);
}

TEST_CASE("a named context, with files beside the kubeconfig") {
  const Folder folder;
  folder.write("pki/ca.crt", admin().certificate);
  folder.write("bot.token", "abc.def\n");
  const auto config = load_kubeconfig(folder.write("admin.conf", realistic()), "edge");
  CHECK(config.server == "https://edge.example.org/k8s/clusters/c-1");
  CHECK(config.tls_server_name == "kubernetes.default");
  CHECK(config.proxy_url.equals("socks5://proxy:1080"));
  CHECK(config.disable_compression);
  CHECK(config.certificate_authority == admin().certificate);
  CHECK(config.certificate_authority_file == folder.at("pki/ca.crt"));
  CHECK(config.token.empty());
  CHECK(config.token_file == folder.at("bot.token"));
  CHECK(config.default_namespace == "shop");
  CHECK(config.impersonate.user == "deployer");
  CHECK(config.impersonate.uid == "17");
  CHECK(config.impersonate.groups == std::vector<std::string>{"ops", "web"});
  CHECK(config.impersonate.extra.at("scopes") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("data beats a file, which then need not be there") {
  const Folder folder;
  const auto config = load_kubeconfig(
      folder.write("config", minimal(kServer,
                                     "    client-certificate: gone.crt\n    client-key: gone.key\n"
                                     "    client-certificate-data: " +
                                         to_base64(admin().certificate) + "\n    client-key-data: |\n      " +
                                         to_base64(admin().key).insert(60, "\n      ") + "\n")));
  CHECK(config.client_certificate == admin().certificate);
  CHECK(config.client_certificate_file.empty());
  CHECK(config.client_key.equals(admin().key));
}

TEST_CASE("JSON is a kubeconfig too, and nothing but the context's parts need be whole") {
  const Folder folder;
  const auto config = load_kubeconfig(
      folder.write("config",
                   R"({"contexts":[{"name":"a","context":{"cluster":"c"}}, {"name":"b","context":null}],
        "clusters":[{"name":"c","cluster":{"server":"http://localhost:8080"}}], "users":null})"),
      "a");
  CHECK(config.server == "http://localhost:8080");
  CHECK(config.user.empty());
}

TEST_CASE("plain http never gets a secret") {
  const Folder folder;
  const auto config = load_kubeconfig(folder.write(
      "config", minimal("    server: http://127.0.0.1:8001\n", "    token: secret\n    as: somebody\n")));
  CHECK(config.token.empty());
  CHECK(config.impersonate.user == "somebody");
}

TEST_CASE("the context that is not there, or not chosen") {
  const Folder folder;
  CHECK(refusal_of(folder, realistic(), "edgy").starts_with("DIR/config:"));
  CHECK(refusal_of(folder, realistic(), "edgy")
            .ends_with("the kubeconfig: there is no context 'edgy' (did you mean 'edge'? contexts: "
                       "kubernetes-admin@kubernetes, edge)"));
  CHECK(
      refusal_of(folder, "contexts: [{name: a}, {name: b}]\n") ==
      "DIR/config:1:1: the kubeconfig: no context is chosen: 'current-context' is not set (name the context "
      "to use; contexts: a, b)");
  CHECK(refusal_of(folder, "current-context: x\n") ==
        "DIR/config:1:18: the kubeconfig: there is no context 'x' (contexts: none)");
  CHECK(refusal_of(folder, "contexts: [{name: a, context: {cluster: c}}, {name: a}]\n", "a") ==
        "DIR/config:1:53: an item of 'contexts': there are two with the name 'a' (rename or remove one)");
}

TEST_CASE("a context's cluster and user must be there") {
  const Folder folder;
  CHECK(refusal_of(folder, "contexts: [{name: a, context: {cluster: mian}}]\nclusters: [{name: main}]\n",
                   "a") ==
        "DIR/config:1:41: context 'a': there is no cluster 'mian' (did you mean 'main'? clusters: main)");
  CHECK(refusal_of(folder,
                   "contexts: [{name: a, context: {cluster: main, user: bob}}]\n"
                   "clusters: [{name: main, cluster: {server: 'https://h'}}]\n",
                   "a") == "DIR/config:1:53: context 'a': there is no user 'bob' (users: none)");
  CHECK(refusal_of(folder, "contexts: [{name: a}]\n", "a") == "DIR/config: context 'a': names no 'cluster'");
}

TEST_CASE("a wrong type or value is told with its place and never with its content") {
  const Folder folder;
  const std::string users[][2] = {
      {"    token: 12345\n", "'token' must be a string, found integer (quote it)"},
      {"    token: two words\n", "'token' holds spaces, line ends or characters beyond ASCII"},
      {"    as-groups: ops\n    as: a\n", "'as-groups' must be a list of strings, found string"},
      {"    client-key-data: '***'\n    client-certificate-data: ''\n",
       "'client-key-data' is no base64 (encode the PEM text with base64)"},
      {"    auth-provider: {name: gcp}\n",
       "auth-provider 'gcp' is gone from Kubernetes' clients since 1.26 (use `exec` with that vendor's "
       "credential "
       "plugin, a token or a certificate)"},
      {"    tokenFile: nowhere\n",
       "'tokenFile': cannot open DIR/nowhere: No such file or directory (ENOENT)"},
  };
  for (const auto& pair : users) {
    const std::string& user = pair[0];
    const std::string& message = pair[1];
    const std::string said = refusal_of(folder, minimal(kServer, user));
    CHECK(said.starts_with("DIR/config:14:"));
    CHECK(said.substr(said.find(": user") + 2) == "user 'bot' of context 'prod': " + message);
  }
  CHECK(refusal_of(folder, minimal(kServer, "    client-key-data: " + to_base64(admin().key) + "\n"))
            .find("has a client key and no certificate") != std::string::npos);
  CHECK(refusal_of(folder, minimal(kServer, "    {as-uid: '3'}\n")).find("need 'as'") != std::string::npos);
  CHECK(refusal_of(folder, minimal(kServer, "    {as: \"a\\nb\"}\n")).find("control characters") !=
        std::string::npos);
  CHECK(refusal_of(folder, minimal(kServer, "    {token: t, username: u}\n")).find("keep one of them") !=
        std::string::npos);
}

TEST_CASE("a key must fit its certificate") {
  const Folder folder;
  const auto other = make_certificate("other", 0, 4'000'000'000'000'000);
  const std::string said =
      refusal_of(folder, minimal(kServer, "    client-certificate-data: " + to_base64(admin().certificate) +
                                              "\n    client-key-data: " + to_base64(other.key) + "\n"));
  CHECK(said.starts_with("DIR/config:15:22: "));
  CHECK(said.ends_with("the key does not belong to the certificate of 'CN=kubernetes-admin'"));
}

TEST_CASE("a server is a whole address") {
  const Folder folder;
  const std::string clusters[][2] = {
      {"    {}\n", "has no 'server' (write server: https://HOST:PORT)"},
      {"    server: 10.0.0.1:6443\n", "'server' must start with https:// (write server: https://HOST:PORT)"},
      {"    server: https://\n", "'server' names no host"},
      {"    server: https://a:b@host\n",
       "'server' must hold no user name or password (write them into the user)"},
      {"    server: 'https://ho st'\n", "'server' holds a space or a control character"},
      {"    server: https://h\n    proxy-url: proxy:3128\n",
       "'proxy-url' must start with http://, https:// or socks5://"},
      {"    server: https://h\n    insecure-skip-tls-verify: 'yes'\n",
       "'insecure-skip-tls-verify' must be true or false, found string"},
      {"    server: https://h\n    insecure-skip-tls-verify: true\n    certificate-authority-data: eA==\n",
       "a certificate authority is given, and 'insecure-skip-tls-verify' would ignore it (remove "
       "insecure-skip-tls-verify)"},
  };
  for (const auto& pair : clusters) {
    const std::string& cluster = pair[0];
    const std::string& message = pair[1];
    const std::string said = refusal_of(folder, minimal(cluster, "    {}\n"));
    const std::size_t at = said.find(": cluster");
    REQUIRE(at != std::string::npos);
    CHECK(said.substr(at + 2) == "cluster 'main' of context 'prod': " + message);
  }
}

TEST_CASE("what is no kubeconfig") {
  const Folder folder;
  CHECK(refusal_of(folder, "") == "DIR/config: the kubeconfig is empty (write it anew)");
  CHECK(refusal_of(folder, "apiVersion: v1\nkind: Secret\n") ==
        "DIR/config:2:7: the kubeconfig: it is no kubeconfig but 'v1', kind 'Secret' (a kubeconfig has "
        "apiVersion: "
        "v1 and kind: Config)");
  CHECK(refusal_of(folder, "- a\n") == "DIR/config:1:1: the kubeconfig: must be a mapping, found array");
  CHECK(refusal_of(folder, "a: 1\n---\nb: 1\n").starts_with("DIR/config:3:1: the kubeconfig has a second"));
  CHECK(refusal_of(folder, std::string((1u << 20) + 1, ' ')) == "DIR/config is larger than 1048576 bytes");
  CHECK_THROWS_AS(load_kubeconfig(folder.at("nowhere")), Failure);
}

TEST_CASE("a credential plugin's configuration") {
  const Folder folder;
  const std::string aws =
      "    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: ./bin/aws\n"
      "      args: [--region, eu-central-1, eks, get-token]\n      env: [{name: AWS_PROFILE, value: prod}]\n"
      "      installHint: \"get it from\\nthe vendor\\n\"\n      provideClusterInfo: true\n";
  const std::string extension =
      "    extensions:\n    - name: other\n    - name: client.authentication.k8s.io/exec\n"
      "      extension: {audience: abc}\n";
  const auto config = load_kubeconfig(folder.write("config", minimal(kServer + extension, aws)));
  REQUIRE(config.exec);
  CHECK(config.exec->command == folder.at("bin/aws"));
  CHECK(config.exec->arguments == std::vector<std::string>{"--region", "eu-central-1", "eks", "get-token"});
  REQUIRE(config.exec->environment.size() == 1);
  CHECK(config.exec->environment[0].first == "AWS_PROFILE");
  CHECK(config.exec->environment[0].second.equals("prod"));
  CHECK(config.exec->install_hint == "get it from the vendor");
  CHECK(config.exec->cluster_settings == Value::object({{"audience", "abc"}}));
}

TEST_CASE("a credential plugin that cannot work here is refused at once") {
  const Folder folder;
  const std::string v1 = "    exec:\n      command: aws\n      apiVersion: client.authentication.k8s.io/v1\n";
  CHECK(refusal_of(folder, minimal(kServer, v1)).find("has no 'interactiveMode', which v1 needs") !=
        std::string::npos);
  CHECK(refusal_of(folder, minimal(kServer, v1 + "      interactiveMode: Always\n"))
            .find("wants to ask a person") != std::string::npos);
  CHECK(refusal_of(folder, minimal(kServer, v1 + "      interactiveMode: Nevver\n"))
            .find("there is no interactiveMode 'Nevver'") != std::string::npos);
  CHECK(refusal_of(folder, minimal(kServer, v1 + "      interactiveMode: IfAvailable\n")) == "none");
  CHECK(refusal_of(folder, minimal(kServer,
                                   "    exec: {command: aws, apiVersion: "
                                   "client.authentication.k8s.io/v1alpha1}\n"))
            .find("v1alpha1' is not supported") != std::string::npos);
  CHECK(refusal_of(folder, minimal(kServer, "    exec: {apiVersion: client.authentication.k8s.io/v1}\n"))
            .find("has no 'command'") != std::string::npos);
}

TEST_CASE("a Pod's service account") {
  const Folder folder;
  folder.write("token", "eyJ.x.y\n");
  folder.write("ca.crt", admin().certificate);
  auto config = service_account_config("10.96.0.1", "443", folder.at("."));
  CHECK(config.server == "https://10.96.0.1:443");
  CHECK(config.certificate_authority == admin().certificate);
  CHECK(config.token_file == folder.at("./token"));
  CHECK(config.default_namespace == "default");
  folder.write("namespace", "gitops");
  config = service_account_config("fd00::1", "443", folder.at("."));
  CHECK(config.server == "https://[fd00::1]:443");
  CHECK(config.default_namespace == "gitops");
  CHECK_THROWS_WITH_AS(service_account_config("", "443", folder.at(".")),
                       "this is no Pod: KUBERNETES_SERVICE_HOST is not set (name a kubeconfig)", Failure);
  CHECK_THROWS_AS(service_account_config("10.96.0.1", "443", folder.at("none")), Failure);
}

TEST_CASE("of several kubeconfigs the first that has a name counts, with the files beside it") {
  const Folder folder;
  folder.write("a/token", "first");
  folder.write("b/token", "second");
  const auto a =
      folder.write("a/config",
                   "current-context: prod\ncontexts: [{name: prod, context: {cluster: c, user: u}}]\n"
                   "users: [{name: u, user: {tokenFile: token}}]\n");
  const auto b = folder.write("b/config",
                              "current-context: dev\ncontexts: [{name: prod, context: {cluster: d, user: v}},"
                              " {name: dev, context: {cluster: c, user: v}}]\n"
                              "users: [{name: u, user: {token: x}}, {name: v, user: {tokenFile: token}}]\n"
                              "clusters: [{name: c, cluster: {server: 'https://b:1'}}]\n");
  const auto both = load_kubeconfig({a, b}, "");
  CHECK(both.context == "prod");
  CHECK(both.server == "https://b:1");
  CHECK(both.user == "u");
  CHECK(both.token_file == folder.at("a/token"));
  CHECK(both.origin == a + ", " + b);
  CHECK(load_kubeconfig({a, b}, "dev").token_file == folder.at("b/token"));
  CHECK(load_kubeconfig({b, a}, "").context == "dev");
  CHECK(load_kubeconfig({folder.at("none"), b}, "").context == "dev");
  CHECK_THROWS_AS(load_kubeconfig({folder.at("none"), folder.at("neither")}, ""), Failure);
  CHECK_THROWS_WITH_AS(load_kubeconfig({a, b}, "test"),
                       doctest::Contains("there is no context 'test' (contexts: prod, dev)"), Failure);
  folder.write("b/config", "clusters: [{name: d, cluster: {}}, {name: d, cluster: {}}]\n");
  CHECK_THROWS_WITH_AS(load_kubeconfig({a, b}, ""), doctest::Contains("b/config:1:"), Failure);
}

TEST_CASE("an encrypted key is named, and how to open it") {
  const Folder folder;
  const auto made = make_certificate("a", 0, 4'000'000'000'000'000);
  folder.write("cert", made.certificate);
  folder.write("key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
  const auto said =
      refusal_of(folder, minimal(kServer, "    client-certificate: cert\n    client-key: key\n"));
  CHECK(said.find("the key DIR/key is encrypted") != std::string::npos);
  CHECK(said.find("openssl pkey -in DIR/key") != std::string::npos);
  folder.write(
      "key",
      "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n");
  CHECK(refusal_of(folder, minimal(kServer, "    client-certificate: cert\n    client-key: key\n"))
            .find("is encrypted") != std::string::npos);
}

TEST_CASE("a kubeconfig that is replaced is read again, in the context that it had") {
  const Folder folder;
  SetClock clock;
  const auto write = [&folder](const std::string& current, const std::string& token) {
    return folder.write("config", "current-context: " + current +
                                      "\ncontexts: [{name: a, context: {cluster: c, user: u}},"
                                      " {name: b, context: {cluster: c}}]\n"
                                      "clusters: [{name: c, cluster: {server: 'https://c:1'}}]\n"
                                      "users: [{name: u, user: {token: " +
                                      token + "}}]\n");
  };
  Kubeconfig kubeconfig({write("a", "one")}, "");
  CHECK(kubeconfig.load().context == "a");
  CHECK_FALSE(kubeconfig.renewed(clock.monotonic()));
  write("b", "two");
  const auto renewed = kubeconfig.renewed(clock.monotonic());
  REQUIRE(renewed);
  CHECK(renewed->context == "a");
  CHECK(renewed->token.equals("two"));
  CHECK_FALSE(kubeconfig.renewed(clock.monotonic()));
  folder.write("config", "users: [");
  CHECK_THROWS_AS(kubeconfig.renewed(clock.monotonic()), Failure);
  CHECK_FALSE(kubeconfig.renewed(clock.monotonic()));
  clock.pass(std::chrono::seconds(6));
  CHECK_THROWS_AS(kubeconfig.renewed(clock.monotonic()), Failure);
  write("a", "three");
  CHECK(kubeconfig.renewed(clock.monotonic())->token.equals("three"));
}
