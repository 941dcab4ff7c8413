#include "providers/kubernetes/credentials.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "base/problem.h"
#include "tests/unit/kubernetes/folder.h"
#include "tests/unit/kubernetes/test_certificate.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;
using std::chrono::seconds;

namespace {

constexpr WallMicros kForEver = 4'000'000'000'000'000;

/// Prints the file `answer` and writes a line into `runs`, each time.
class Plugin {
 public:
  Plugin() {
    folder.script("plugin", "echo run >> " + folder.at("runs") + "\nexec cat " + folder.at("answer") + "\n");
    config.server = "https://10.0.0.1:6443";
    config.user = "bot";
    config.exec.emplace();
    config.exec->api_version = "client.authentication.k8s.io/v1";
    config.exec->command = folder.at("plugin");
    surroundings.path = "/usr/bin:/bin";
  }
  void answer(const std::string& token, const std::string& expires = {}) const {
    folder.write("answer",
                 R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{)"
                 R"("token":")" +
                     token + "\"" + (expires.empty() ? "" : R"(,"expirationTimestamp":")" + expires + "\"") +
                     "}}");
  }
  std::size_t runs() const {
    return std::filesystem::exists(folder.at("runs")) ? folder.read("runs").size() / 4 : 0;
  }

  const Folder folder;
  ClientConfig config;
  PluginSurroundings surroundings;
};

std::string token_of(Credentials& credentials) {
  const auto token = credentials.bearer();
  return token ? std::string(token->reveal()) : "none";
}

}  // namespace

TEST_CASE("credentials that stand in the kubeconfig") {
  ClientConfig config;
  CHECK_FALSE(Credentials(config).bearer());
  CHECK_FALSE(Credentials(config).current()->authorization());
  config.token = Secret("abc");
  Credentials credentials(config);
  CHECK(credentials.current()->authorization()->equals("Bearer abc"));
  const auto serial = credentials.current()->serial;
  credentials.invalidate(serial);
  CHECK(credentials.current()->serial == serial);
  config.token = Secret();
  config.username = "Aladdin";
  config.password = Secret("open sesame");
  CHECK(Credentials(config).current()->authorization()->equals("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

TEST_CASE("a token's file is read again when it changed or after a minute") {
  const Folder folder;
  SetClock clock;
  ClientConfig config;
  config.token_file = folder.write("token", " one\n");
  Credentials credentials(config, clock);
  CHECK(token_of(credentials) == "one");
  const auto first = credentials.current()->serial;
  folder.write("token", "two");
  CHECK(token_of(credentials) == "two");
  CHECK(credentials.current()->serial != first);
  // Removed, empty, no token: the last good one stays.
  std::filesystem::remove(config.token_file);
  CHECK(token_of(credentials) == "two");
  folder.write("token", " \n");
  CHECK(token_of(credentials) == "two");
  folder.write("token", "a b");
  clock.pass(seconds(61));
  CHECK(token_of(credentials) == "two");
  folder.write("token", "three");
  CHECK(token_of(credentials) == "three");
}

TEST_CASE("a minute is enough where a file's change cannot be seen") {
  const Folder folder;
  SetClock clock;
  std::string path = folder.write("token", "one");
  RotatedFile file(path, [&](std::string_view) { return path; });
  CHECK_THROWS_AS(file.read(clock.monotonic()), Failure);
  int reads = 0;
  RotatedFile counted(path, [&](std::string_view) {
    ++reads;
    return std::string();
  });
  counted.read(clock.monotonic());
  clock.pass(seconds(59));
  counted.read(clock.monotonic());
  CHECK(reads == 1);
  clock.pass(seconds(1));
  counted.read(clock.monotonic());
  CHECK(reads == 2);
  counted.read(clock.monotonic(), true);
  CHECK(reads == 3);
}

TEST_CASE("a token's file that never had one is a failure that may pass, but for a token beside it") {
  const Folder folder;
  ClientConfig config;
  config.token_file = folder.at("token");
  Credentials credentials(config);
  CHECK_THROWS_AS(credentials.current(), Failure);
  folder.write("token", "late");
  CHECK(token_of(credentials) == "late");
  config.token_file = folder.at("none");
  config.token = Secret("written");
  Credentials both(config);
  CHECK(token_of(both) == "written");
  folder.write("none", "read");
  CHECK(token_of(both) == "read");
}

TEST_CASE("a certificate and its key are taken over together") {
  const Folder folder;
  const auto one = make_certificate("one", 0, kForEver), two = make_certificate("two", 0, kForEver);
  ClientConfig config;
  config.client_certificate = one.certificate;
  config.client_key = Secret(one.key);
  config.client_certificate_file = folder.write("crt", one.certificate);
  config.client_key_file = folder.write("key", one.key);
  Credentials credentials(config);
  const auto first = credentials.current();
  CHECK(first->certificate == one.certificate);
  CHECK_FALSE(first->authorization());
  folder.write("crt", two.certificate);
  CHECK(credentials.current() == first);
  folder.write("key", two.key);
  CHECK(credentials.current()->certificate == two.certificate);
  CHECK(credentials.current()->key.equals(two.key));
  CHECK(credentials.current()->serial != first->serial);
}

TEST_CASE("the authority's file is read again") {
  const Folder folder;
  const auto one = make_certificate("one", 0, kForEver), two = make_certificate("two", 0, kForEver);
  ClientConfig config;
  config.certificate_authority = one.certificate;
  CHECK(Credentials(config).certificate_authority() == one.certificate);
  config.certificate_authority_file = folder.write("ca.crt", one.certificate);
  Credentials credentials(config);
  folder.write("ca.crt", two.certificate);
  CHECK(credentials.certificate_authority() == two.certificate);
  folder.write("ca.crt", "half");
  CHECK(credentials.certificate_authority() == two.certificate);
}

TEST_CASE("a plugin's answer is kept until ten seconds before its end") {
  Plugin plugin;
  SetClock clock;
  Credentials credentials(plugin.config, clock, plugin.surroundings);
  plugin.answer("one", "2026-11-24T12:15:00Z");
  CHECK(token_of(credentials) == "one");
  plugin.answer("two", "2026-11-24T12:30:00Z");
  clock.pass(seconds(889));
  CHECK(token_of(credentials) == "one");
  CHECK(plugin.runs() == 1);
  clock.pass(seconds(1));
  CHECK(token_of(credentials) == "two");
  CHECK(plugin.runs() == 2);
}

TEST_CASE("what soon expires serves on while its plugin fails, and not longer") {
  Plugin plugin;
  SetClock clock;
  Credentials credentials(plugin.config, clock, plugin.surroundings);
  plugin.answer("one", "2026-11-24T12:15:00Z");
  CHECK(token_of(credentials) == "one");
  std::filesystem::remove(plugin.folder.at("answer"));
  clock.pass(seconds(895));
  CHECK(token_of(credentials) == "one");
  CHECK(plugin.runs() == 2);
  CHECK(token_of(credentials) == "one");
  CHECK(plugin.runs() == 2);  // left alone for a while
  clock.pass(seconds(5));
  CHECK_THROWS_WITH_AS(credentials.current(), doctest::Contains("ended with exit status 1: cat: "), Failure);
  plugin.answer("two");
  clock.pass(seconds(3));
  CHECK(token_of(credentials) == "two");
}

TEST_CASE("a refused credential is made anew, once for all who used it") {
  Plugin plugin;
  SetClock clock;
  Credentials credentials(plugin.config, clock, plugin.surroundings);
  plugin.answer("one");
  const auto refused = credentials.current();
  clock.pass(seconds(100'000));
  CHECK(credentials.current() == refused);
  plugin.answer("two");
  credentials.invalidate(refused->serial);
  const auto made = credentials.current();
  CHECK(made->bearer.equals("two"));
  credentials.invalidate(refused->serial);  // by a slower thread
  CHECK(credentials.current() == made);
  CHECK(plugin.runs() == 2);
  credentials.invalidate();
  CHECK(credentials.current()->serial == made->serial);
  CHECK(plugin.runs() == 3);
}

TEST_CASE("threads that ask at once run a plugin once") {
  Plugin plugin;
  SetClock clock;
  Credentials credentials(plugin.config, clock, plugin.surroundings);
  plugin.answer("one");
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<const Credential>> got(8);
  for (auto& each : got) threads.emplace_back([&credentials, &each] { each = credentials.current(); });
  for (auto& thread : threads) thread.join();
  for (const auto& each : got) CHECK(each == got[0]);
  CHECK(plugin.runs() == 1);
}

TEST_CASE("what stands in the kubeconfig wins over its plugin") {
  Plugin plugin;
  plugin.config.token = Secret("written");
  Credentials credentials(plugin.config);
  CHECK(token_of(credentials) == "written");
  CHECK(plugin.runs() == 0);
}

TEST_CASE("credentials are another's once they were renewed, and stay where that fails") {
  SetClock clock;
  ClientConfig config;
  config.user = "bot";
  config.token = Secret("one");
  std::optional<ClientConfig> next;
  bool broken = false;
  Credentials credentials(config, clock, {}, [&]() -> std::optional<ClientConfig> {
    if (broken) throw fail(ProblemCause::input, "half written");
    return std::exchange(next, std::nullopt);
  });
  CHECK(token_of(credentials) == "one");
  const auto first = credentials.current()->serial;
  next = config;
  next->token = Secret("two");
  next->server = "https://elsewhere";
  CHECK(token_of(credentials) == "two");
  CHECK(credentials.current()->serial != first);
  CHECK(credentials.config()->server == "https://elsewhere");
  broken = true;
  CHECK(token_of(credentials) == "two");
  CHECK(credentials.fault() == "not renewed: half written");
  broken = false;
  next = config;
  CHECK(token_of(credentials) == "one");
  CHECK(credentials.fault().empty());
  const auto before = credentials.current();
  next = config;  // with the same in it
  CHECK(credentials.current()->kubeconfig != before->kubeconfig);
  CHECK(credentials.current()->kubeconfig == credentials.kubeconfig());
}

TEST_CASE("whose credentials they are, and what is known to be wrong with them") {
  const Folder folder;
  SetClock clock;
  ClientConfig config;
  CHECK(Credentials(config, clock).who().empty());
  config.user = "bot";
  config.token_file = folder.write("token", "opaque");
  Credentials of_token(config, clock);
  CHECK(of_token.who() == "user 'bot'");
  of_token.current();
  CHECK(of_token.fault() == "the token in " + config.token_file);
  folder.write("token", "a.eyJleHAiOjE1Nzc4MzY4MDB9.c");
  of_token.current();
  CHECK(of_token.fault() == "the token in " + config.token_file + " expired at 2020-01-01T00:00:00Z");
  const auto made = make_certificate("bot", 0, 1'577'836'800'000'000);
  config = {};
  config.client_certificate = made.certificate;
  config.client_key = Secret(made.key);
  Credentials of_certificate(config, clock);
  of_certificate.current();
  CHECK(of_certificate.fault() == "the certificate of 'CN=bot' expired at 2020-01-01T00:00:00Z");
}
