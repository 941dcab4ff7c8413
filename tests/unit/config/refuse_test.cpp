// What a bad configuration is refused with: every problem, each with its place and the way out.
#include <doctest/doctest.h>

#include "tests/unit/config/problems.h"

using gitopsd::test::problems;

namespace {

// The rest of a configuration that `application` fits into.
std::string with_application(const std::string& members) {
  return "repositories: [{name: r, url: 'file:///r'}]\n"
         "destinations: [{name: d, provider: host}]\n"
         "applications: [{name: a, repository: r, destination: d, " +
         members + "}]\n";
}

std::string with_url(const std::string& url, const std::string& more = "") {
  return "repositories:\n- name: r\n  url: '" + url + "'\n" + more;
}

}  // namespace

TEST_CASE("an unknown key has a place and a suggestion") {
  CHECK(problems("server:\n  plain_http: true\n  lisen: systemd\n") ==
        "c.yaml:3:3: server: unknown key \"lisen\" (did you mean \"listen\"?)\n");
  CHECK(problems("metrics: {xyzzy: 1}\n") ==
        "c.yaml:1:11: metrics: unknown key \"xyzzy\" (the keys here are listen)\n");
  CHECK(problems("aplications: []\n") ==
        "c.yaml:1:1: unknown key \"aplications\" (did you mean \"applications\"?)\n");
  CHECK(problems("metrics: {\"ä\": 1, listne: 2}\n") ==
        "c.yaml:1:12: metrics: unknown key \"ä\" (the keys here are listen)\n"
        "c.yaml:1:20: metrics: unknown key \"listne\" (did you mean \"listen\"?)\n");
  CHECK(problems("# äöü: ß\n\"hoks\":\n\n  # hoks\n  - {}\n") ==
        "c.yaml:2:2: unknown key \"hoks\" (did you mean \"hooks\"?)\n");
}

TEST_CASE("a wrong type says what is expected and what was found") {
  CHECK(problems("hooks: {}\n") == "c.yaml:1:8: hooks: expected a list of hooks, found an object\n");
  CHECK(problems("store:\n  keep_syncs: many\n") ==
        "c.yaml:2:15: store.keep_syncs: expected a whole number from 1 to 1000, found a string\n");
  CHECK(problems("store: {installation: 0B5C9A3E}") ==
        "c.yaml:1:23: store.installation: \"0B5C9A3E\" is no UUID (such as "
        "0b5c9a3e-8f1d-4c57-9a55-1f0e6c2d7b41, in lower case)\n");
  CHECK(problems("store: {keep_syncs: 0}") ==
        "c.yaml:1:21: store.keep_syncs: expected a whole number from 1 to 1000\n");
  CHECK(problems("store: {keep_syncs: 18446744073709551615}") ==
        "c.yaml:1:21: store.keep_syncs: expected a whole number from 1 to 1000, found a number\n");
  CHECK(problems("store:\n  keep_events: 90\n") ==
        "c.yaml:2:16: store.keep_events: expected a duration such as 30s, 5m or 90d, found an integer (such "
        "as 90h)\n");
  CHECK(problems(with_application("approve: maybe")) ==
        "c.yaml:3:66: applications[0].approve: expected true or false, found a string\n");
  CHECK(problems("- 1\n") == "c.yaml:1:1: expected the sections of a configuration, found an array\n");
  CHECK(problems("store:\n").find("store: expected the settings of the store, found no value") !=
        std::string::npos);
}

TEST_CASE("a word out of a list has the words") {
  CHECK(problems(with_application("drift: heel")) ==
        "c.yaml:3:64: applications[0].drift: expected what is done with a foreign change, found \"heel\" "
        "(did you mean "
        "\"heal\"?)\n");
  CHECK(problems(with_application("defaults: {prune: sometimes}")) ==
        "c.yaml:3:75: applications[0].defaults.prune: expected what happens to what is no longer declared, "
        "found "
        "\"sometimes\" (one of auto, confirm, never)\n");
}

TEST_CASE("nobody is told to put in quotes what would be wrong in quotes, too") {
  CHECK(problems(with_application("drift: false")).find("found a boolean (one of heal, report, ignore)\n") !=
        std::string::npos);
  CHECK(problems(with_application("defaults: {prune: false}"))
            .find("found a boolean (one of auto, confirm, never)\n") != std::string::npos);
  CHECK(problems(with_application("health_timeout: 5")).find("found an integer (such as 5s)\n") !=
        std::string::npos);
  CHECK(problems(with_application("health_timeout: true")).find("or 90d, found a boolean\n") !=
        std::string::npos);
  CHECK(problems("store: {installation: 5}").find("found an integer\n") != std::string::npos);
  CHECK(problems(with_application("path: 5")).find("found an integer (put it in quotes") !=
        std::string::npos);
}

TEST_CASE("all problems are reported in the order of the file, not only the first") {
  CHECK(
      problems("server: {plain_http: 3, listen: here}\nstore: {pth: /x}\nmetrics: {listen: 1}\n") ==
      "c.yaml:1:9: server: neither tls nor plain_http is given (give tls with certificate and key, or "
      "plain_http: "
      "true behind a proxy that ends TLS)\n"
      "c.yaml:1:22: server.plain_http: expected true or false, found an integer\n"
      "c.yaml:1:33: server.listen: \"here\" is no address and port (such as 0.0.0.0:443, [::]:443 or "
      "127.0.0.1:8080, "
      "or systemd)\n"
      "c.yaml:2:9: store: unknown key \"pth\" (did you mean \"path\"?)\n"
      "c.yaml:3:19: metrics.listen: expected an address and port such as 127.0.0.1:9464, found an integer\n");
}

TEST_CASE("a name is given once, and what is named exists") {
  CHECK(problems("destinations:\n- {name: d, provider: host}\n- {name: d, provider: host}\n") ==
        "c.yaml:3:10: destinations[1].name: duplicate destination \"d\" (the first is at c.yaml:2:10)\n");
  CHECK(problems("repositories: [{name: infra, url: 'file:///r'}]\n"
                 "applications: [{name: a, repository: infa, destination: d}]\n") ==
        "c.yaml:2:38: applications[0].repository: there is no repository \"infa\" (did you mean \"infra\"?)\n"
        "c.yaml:2:57: applications[0].destination: there is no destination \"d\"\n");
  CHECK(problems("destinations: [{name: d, provider: host}]\nrepositories: [{name: r, url: 'file:///r'}]\n"
                 "applications:\n- {name: a, repository: r, destination: d}\n"
                 "- {name: b, uid: a, repository: r, destination: d}\n") ==
        "c.yaml:5:18: applications[1].uid: duplicate uid \"a\" (the first is at c.yaml:4:3)\n");
  CHECK(problems("destinations: [{name: Web Server, provider: host}]\n").find("\"Web Server\" is no name") !=
        std::string::npos);
  CHECK(problems("destinations: [{name: '', provider: host}, {name: -x, provider: host}]\n")
            .find("\"-x\" is no name") != std::string::npos);
}

TEST_CASE("a key that is needed is missed") {
  CHECK(problems("destinations:\n- name: d\n") ==
        "c.yaml:2:3: destinations[0]: the key \"provider\" is missing (it takes a provider such as host)\n");
  CHECK(problems("server: {tls: {key: /k}}") ==
        "c.yaml:1:15: server.tls: certificate and key are both needed\n");
}

TEST_CASE("keys that exclude each other") {
  CHECK(
      problems(with_application("ref: main, tag: v1")).find("ref, tag and tag_pattern exclude each other") !=
      std::string::npos);
  CHECK(problems(with_application("kustomize: {}, helm: {}")).find("exclude each other") !=
        std::string::npos);
  CHECK(problems(with_application("helm: {}, include: [a]")).find("exclude each other") != std::string::npos);
  CHECK(problems(with_application("exclude: [b], include: [a]")).empty());
  CHECK(problems("destinations: [{name: d, provider: host, command: /c, socket: /s}]")
            .find("command and socket exclude each other") != std::string::npos);
  CHECK(problems("server: {plain_http: true, tls: {key: /k, certificate: /c}}")
            .find("tls and plain_http exclude") != std::string::npos);
}

TEST_CASE("how an application is rendered is checked member by member") {
  const auto said = [](const std::string& members, std::string_view what) {
    const auto found = problems(with_application(members));
    INFO(found);
    return found.find(what) != std::string::npos;
  };
  CHECK(said("kustomize: {namePrefx: a}",
             "kustomize: unknown key \"namePrefx\" (did you mean \"namePrefix\"?)"));
  CHECK(said("kustomize: {images: [a]}", "kustomize.images[0]: expected an image such as"));
  CHECK(said("helm: {values: a}", "helm.values: expected a list of files"));
  CHECK(said("helm: {values: ['']}", "helm.values[0]: \"\" is no file of the repository"));
  CHECK(said("helm: {release: A B}", "helm.release: \"A B\" is no name"));
  CHECK(said("substitute: {a-b: c}", "substitute.a-b: \"a-b\" is no name of an environment variable"));
  CHECK(said("substitute: {A: [1]}", "substitute.A: a variable's value is of type array"));
  CHECK(said("substitute: {A: 1.5}", "in quotes"));
}

TEST_CASE("a secret is named, never written") {
  const auto hook = [](const std::string& secrets) {
    return problems(
        "server: {plain_http: true}\nrepositories: [{name: r, url: 'file:///r'}]\n"
        "hooks: [{name: h, forge: github, repositories: [r], secrets: " +
        secrets + "}]\n");
  };
  CHECK(hook("[{file: /s}]").empty());
  const auto found = hook("[correct-horse-battery]");
  CHECK(
      found ==
      "c.yaml:3:63: hooks[0].secrets[0]: expected a secret by reference: {credential: NAME}, {file: PATH} or "
      "{environment: NAME}, found a string\n");
  CHECK(found.find("horse") == std::string::npos);
  CHECK(hook("[]") == "c.yaml:3:62: hooks[0].secrets: the list is empty (it needs at least one)\n");
  CHECK(hook("[{}]").find("expected exactly one of credential, file and environment") != std::string::npos);
  CHECK(hook("[{file: /s, environment: S}]").find("expected exactly one of") != std::string::npos);
  CHECK(hook("[{file: s}]").find("\"s\" is no absolute path") != std::string::npos);
  CHECK(hook("[{credential: ../s}]").find("\"../s\" is no name of a credential") != std::string::npos);
  CHECK(hook("[{environment: 1S}]").find("\"1S\" is no name of an environment variable") !=
        std::string::npos);
}

TEST_CASE("URLs hold no credentials, and SSH knows its hosts") {
  CHECK(problems(with_url("https://example.com/a/b.git")).empty());
  CHECK(problems(with_url("http://[::1]:3000/a/b.git")).empty());
  CHECK(problems(with_url("git://example.com/a")).empty());
  CHECK(problems(with_url("git@example.com:a/b.git", "  known_hosts: /kh\n")).empty());
  CHECK(problems(with_url("git@example.com:a/b.git"))
            .find("c.yaml:3:8: repositories[0]: SSH needs known_hosts") != std::string::npos);
  for (const auto* url :
       {"https://alice:hunter2@example.com/a", "https://ghp_hunter2@example.com/a",
        "ssh://alice:hunter2@example.com/a", "https://a:hunter2@/x", "https://al:hunter2 @e.com/a"}) {
    const auto found = problems(with_url(url));
    INFO(found);
    CHECK(!found.empty());
    CHECK(found.find("hunter2") == std::string::npos);
  }
  for (const auto* url :
       {"https://example.com", "https:///a", "ftp://example.com/a", "owner/name", "", "/srv/repo",
        "https://example.com/a?b=c", "ssh://-oProxyCommand=x/a", "git@-x:a", "git@example.com:-a",
        "ssh://-l@example.com/a", "https://example.com:0/a", "https://example.com:70000/a", "file://",
        "file://host/a", "https://exa mple.com/a"}) {
    INFO(url);
    CHECK(!problems(with_url(url, "  known_hosts: /kh\n")).empty());
  }
}

TEST_CASE("settings that do not fit the URL") {
  CHECK(problems(with_url("http://example.com/a", "  token: {file: /t}\n")) ==
        "c.yaml:4:10: repositories[0]: the token would cross the network unencrypted (use an https URL)\n");
  CHECK(problems(with_url("http://127.0.0.1:3000/a", "  token: {file: /t}\n")).empty());
  CHECK(problems(with_url("https://example.com/a", "  ssh_key: {file: /t}\n"))
            .find("ssh_key is for SSH URLs") != std::string::npos);
  CHECK(problems(with_url("ssh://h/a", "  known_hosts: /kh\n  ssh_key: {environment: KEY}\n"))
            .find("ssh reads its key from a file (name a file or a credential)") != std::string::npos);
  CHECK(problems(with_url("ssh://h/a", "  known_hosts: /kh\n  token: {file: /t}\n"))
            .find("token is for HTTPS URLs") != std::string::npos);
  CHECK(problems(with_url("ssh://me@h/a", "  known_hosts: /kh\n  user: you\n"))
            .find("the URL names another user") != std::string::npos);
}

TEST_CASE("paths, globs, refs, durations and sizes") {
  for (const auto* bad :
       {"path: /etc", "path: a/../../b", "path: \"a\\nb\"", "include: ['../x']", "include: ['']", "ref: 'v*'",
        "ref: 'a b'", "ref: ''", "tag: refs/heads/main", "tag_pattern: v1", "tag_pattern: 'refs/heads/*'",
        "check_interval: 5", "check_interval: 5 m", "check_interval: 1.5h", "check_interval: 100d",
        "check_interval: 99999999999999999999s", "check_interval: 9999999999999999999d", "uid: A"}) {
    INFO(bad);
    CHECK(!problems(with_application(bad)).empty());
  }
  for (const auto* good : {"path: a/./b/", "path: ''", "include: ['**/*.yaml']", "check_interval: 7d"}) {
    INFO(good);
    CHECK(problems(with_application(good)) == "");
  }
  CHECK(problems("server: {plain_http: true, limits: {body_bytes: 25 MiB}}").find("\"25 MiB\" is no size") !=
        std::string::npos);
  CHECK(problems("server: {plain_http: true, limits: {body_bytes: 1}}") ==
        "c.yaml:1:49: server.limits.body_bytes: out of range (from 1KiB to 100MiB)\n");
  CHECK(problems("server: {plain_http: true, limits: {body_bytes: -1}}").find("is no size") !=
        std::string::npos);
}

TEST_CASE("one document, well formed") {
  CHECK(problems("store: {}\n---\nstore: {}\n").find("c.yaml:3:1: a second document") != std::string::npos);
  CHECK(problems("store: {\n").starts_with("c.yaml:"));
  CHECK(!problems("store: {path: /a}\nstore: {path: /b}\n").empty());
  CHECK(!problems("store: {path: \"\xff\xfe\"}\n").empty());
}

TEST_CASE("a hook needs a server, and lists a repository once") {
  CHECK(problems("repositories: [{name: r, url: 'file:///r'}]\n"
                 "hooks: [{name: h, forge: gitlb, repositories: [r, r], secrets: [{file: /s}]}]\n") ==
        "c.yaml:1:1: server: neither tls nor plain_http is given (give tls with certificate and key, or "
        "plain_http: "
        "true behind a proxy that ends TLS)\n"
        "c.yaml:2:9: hooks[0]: repository \"r\" is listed twice\n"
        "c.yaml:2:26: hooks[0].forge: expected the kind of forge, found \"gitlb\" (did you mean "
        "\"gitlab\"?)\n");
}
