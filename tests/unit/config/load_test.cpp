// Files, fragments and secrets on disk.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "config/config.h"
#include "tests/unit/config/directory.h"
#include "tests/unit/config/problems.h"

using namespace gitopsd;

namespace {

std::string load_problems(const std::string& file, bool resolve_secrets = false) {
  try {
    config::load(file, resolve_secrets);
    return {};
  } catch (const Failure& failure) {
    return test::lines(failure);
  }
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("fragments add to lists and set what is not set") {
  const test::Directory d;
  const auto main = d.write("gitopsd.yaml",
                            "server: {plain_http: true}\nrepositories: [{name: a, url: 'file:///a'}]\n"
                            "destinations: [{name: here, provider: host}]\n"
                            "applications: [{name: b, repository: b, destination: here}]\n");
  d.write("conf.d/20-b.yaml",
          "repositories: [{name: b, url: 'file:///b'}]\nserver: {trusted_proxies: [10.0.0.2]}\n");
  d.write("conf.d/10-s.yaml", "server: {listen: '127.0.0.1:1', trusted_proxies: [10.0.0.1]}\n");
  d.write("conf.d/.hidden.yaml", "nonsense: 1\n");
  d.write("conf.d/notes.txt", "nonsense: 1\n");
  d.write("conf.d/30-empty.yaml", "# nothing yet\n");
  const auto c = config::load(main);
  CHECK(c->file == main);
  CHECK(c->server.plain_http);
  CHECK(c->server.listen == "127.0.0.1:1");
  CHECK(c->server.trusted_proxies == std::vector<std::string>{"10.0.0.1", "10.0.0.2"});
  CHECK(c->repositories.size() == 2);
}

TEST_CASE("a secret that everybody can read is a warning with file and mode, and no error") {
  const test::Directory d;
  const auto secret = d.write("secret", "0123456789abcdef\n");
  const auto main = d.write("gitopsd.yaml",
                            "server: {plain_http: true}\nrepositories: [{name: a, url: 'file:///a'}]\n"
                            "hooks:\n  - {name: h, forge: github, repositories: [a], secrets: [{file: " +
                                secret + "}]}\n");
  std::filesystem::permissions(secret, std::filesystem::perms(0644));
  const auto warnings = config::load(main)->warnings;
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].file == main);
  CHECK(warnings[0].position.line == 4);
  CHECK(has(warnings[0].message, "hooks[0].secrets[0]: "));
  CHECK(has(warnings[0].message, secret + ", whose mode is 0644"));
  CHECK(has(warnings[0].hint, "0600"));
  std::filesystem::permissions(secret, std::filesystem::perms(0640));
  CHECK(config::load(main)->warnings.empty());
}

TEST_CASE("what will not work on this host as it is, or does nothing, is a warning with its place") {
  const test::Directory d;
  d.write("crt", "x");
  const auto key = d.write("key", "x");
  const auto write = [&](const std::string& folder, const std::string& users, const std::string& policy) {
    return d.write("gitopsd.yaml", "api:\n  socket: " + d.path(folder) + "/api.sock\n  users: [" + users +
                                       "]\nserver:\n  tls:\n    certificate: " + d.path("crt") +
                                       "\n    key: " + d.path("key") +
                                       "\nrepositories: [{name: r, url: 'file:///r'}]\n"
                                       "destinations: [{name: here, provider: host}]\napplications:\n"
                                       "  - {name: web, repository: r, destination: here" +
                                       policy + "}\n");
  };
  const auto said = [](const std::string& file) {
    std::string out;
    const auto loaded = config::load(file);
    for (const auto& warning : loaded->warnings) out += warning.str() + "\n";
    return out;
  };
  std::filesystem::permissions(key, std::filesystem::perms(0640));
  CHECK(said(write("run", "root", ", policy: {paths: [/srv]}")) == "");

  std::filesystem::permissions(key, std::filesystem::perms(0644));
  const auto file = write("none/run", "root, nobody-of-that-name", ", policy: {}");
  const auto found = said(file);
  INFO(found);
  CHECK(has(found, file + ":2:11: api.socket: there is no folder " + d.path("none") + " to make "));
  CHECK(has(found, file + ":3:17: api.users[1]: there is no user \"nobody-of-that-name\" on this host"));
  CHECK_FALSE(has(found, "\"root\""));
  CHECK(has(found, file + ":7:10: server.tls.key: everybody on this host can read the private key in " + key +
                       ", whose mode is 0644"));
  CHECK(has(found, file + ":11:5: application web has no policy"));
  CHECK(has(said(write("run", "", "")), "application web has no policy"));
  CHECK(config::parse("api: {users: [nobody-of-that-name]}")->warnings.empty());  // which looks at nothing
}

TEST_CASE("a configuration without anything in it is told what it takes") {
  const test::Directory d;
  const auto file = d.write("gitopsd.yaml", "# nothing yet\n");
  const auto warnings = config::load(file)->warnings;
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].file == file);
  CHECK(has(warnings[0].message, "nothing is configured"));
  CHECK(has(warnings[0].hint, "server, hooks, repositories, destinations and applications"));
  d.write("conf.d/a.yaml", "repositories: [{name: r, url: 'file:///r'}]\n");
  CHECK(config::load(file)->warnings.empty());
}

TEST_CASE("a scalar that two files set names both places") {
  const test::Directory d;
  const auto main = d.write("gitopsd.yaml", "store:\n  path: /a\n");
  const auto other = d.write("conf.d/x.yaml", "store: {keep_syncs: 3,\n path: /a}\n");
  CHECK(load_problems(main) ==
        other + ":2:8: store.path: already set at " + main + ":2:9 (set it in one place only)\n");
}

TEST_CASE("a duplicate name across files names both places") {
  const test::Directory d;
  const auto main = d.write("gitopsd.yaml", "destinations: [{name: d, provider: host}]\n");
  const auto other = d.write("conf.d/x.yaml", "destinations: [{name: d, provider: host}]\n");
  CHECK(load_problems(main) ==
        other + ":1:23: destinations[0].name: duplicate destination \"d\" (the first is at " + main +
            ":1:23)\n");
}

TEST_CASE(
    "problems of all files are reported, and nothing is called missing that an unreadable file may declare") {
  const test::Directory d;
  const auto main = d.write("gitopsd.yaml",
                            "stre: {}\nrepositories: [{name: a, url: 'file:///a'}]\n"
                            "applications: [{name: a, repository: a, destination: here}]\n");
  const auto broken = d.write("conf.d/1.yaml", "destinations: [{\n");
  const auto wrong = d.write("conf.d/2.yaml", "store: 1\n");
  const auto found = load_problems(main);
  CHECK(has(found, main + ":1:1: unknown key \"stre\" (did you mean \"store\"?)\n"));
  CHECK(has(found, broken + ":"));
  CHECK(has(found, wrong + ":1:8: store: expected the settings of the store, found an integer\n"));
  CHECK(!has(found, "there is no destination"));
}

TEST_CASE("a missing file, and a fragment that would be overlooked") {
  const test::Directory d;
  CHECK(has(load_problems(d.path("none.yaml")), d.path("none.yaml")));
  const auto main = d.write("gitopsd.yaml", "store: {}\n");
  d.write("conf.d/x.yml", "store: {}\n");
  CHECK(has(load_problems(main), d.path("conf.d/x.yml") + ": only *.yaml is read from conf.d (rename it)"));
}

TEST_CASE("secrets are read, and short ones refused for hooks") {
  const test::Directory d;
  const std::string good = "0123456789abcdef";
  d.write("good", good + "\n");
  d.write("short", "0123456789abcde\n");
  d.write("empty", "\n");
  d.write("credentials/hook", good);
  const auto main = [&](const std::string& secrets, const std::string& token) {
    return d.write(
        "gitopsd.yaml",
        "server: {plain_http: true}\nrepositories:\n- {name: r, url: 'https://e.com/a', token: " + token +
            "}\nhooks:\n- {name: h, forge: github, repositories: [r], secrets: [" + secrets + "]}\n");
  };
  const auto file = [&](const std::string& name) { return "{file: " + d.path(name) + "}"; };

  CHECK(load_problems(main(file("good"), file("short")), true) == "");
  const auto found =
      load_problems(main(file("short") + ", " + file("empty") + ", " + file("none"), file("empty")), true);
  INFO(found);
  CHECK(has(found, "hooks[0].secrets[0]: the secret in file " + d.path("short") +
                       " is shorter than 16 bytes (make one"));
  CHECK(has(found, "hooks[0].secrets[1]: the secret in file " + d.path("empty") + " is empty"));
  CHECK(has(found, "hooks[0].secrets[2]: "));
  CHECK(has(found, "repositories[0].token: the secret in file " + d.path("empty") + " is empty"));
  CHECK(!has(found, "0123456789abcde"));
  CHECK(load_problems(main(file("none"), file("none")), false) == "");

  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(has(load_problems(main("{credential: hook}", file("good")), true), "LoadCredential=hook:PATH"));
  setenv("CREDENTIALS_DIRECTORY", d.path("credentials").c_str(), 1);
  CHECK(load_problems(main("{credential: hook}", file("good")), true) == "");
  const auto of_ssh = config::load(
      d.write("gitopsd.yaml", "repositories:\n- {name: r, url: 'ssh://h/a', known_hosts: " + d.path("good") +
                                  ", ssh_key: {credential: hook}}\n"),
      true);
  CHECK(of_ssh->repositories[0].ssh_key->path() == d.path("credentials/hook"));
  unsetenv("CREDENTIALS_DIRECTORY");

  unsetenv("GITOPSD_TEST_SECRET");
  CHECK(has(load_problems(main("{environment: GITOPSD_TEST_SECRET}", file("good")), true),
            "environment variable GITOPSD_TEST_SECRET is not set"));
  setenv("GITOPSD_TEST_SECRET", good.c_str(), 1);
  const auto c = config::load(main("{environment: GITOPSD_TEST_SECRET}", file("good")), true);
  CHECK(c->hooks[0].secrets[0].resolve().equals(good));
  CHECK(c->repositories[0].token->resolve().equals(good));
  unsetenv("GITOPSD_TEST_SECRET");
}

TEST_CASE("a file that is named must be readable when the configuration comes into force") {
  const test::Directory d;
  const auto main = d.write(
      "gitopsd.yaml", "server: {tls: {certificate: " + d.path("crt") + ", key: " + d.path("key") + "}}\n");
  CHECK(load_problems(main, false) == "");
  d.write("crt", "x");
  const auto found = load_problems(main, true);
  CHECK(has(found, ":1:"));
  CHECK(has(found, "server.tls.key: "));
  CHECK(!has(found, "server.tls.certificate: "));
}
