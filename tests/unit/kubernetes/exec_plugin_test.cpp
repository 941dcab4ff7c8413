#include "providers/kubernetes/exec_plugin.h"

#include <doctest/doctest.h>

#include "base/captured_run.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/problem.h"
#include "tests/unit/kubernetes/folder.h"
#include "tests/unit/kubernetes/test_certificate.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

constexpr WallMicros kNoon = 1'795'521'600'000'000;  // 2026-11-24T12:00:00Z
constexpr const char* kV1 = "client.authentication.k8s.io/v1";

ClientConfig with_plugin(const std::string& command) {
  ClientConfig config;
  config.server = "https://10.0.0.1:6443";
  config.user = "bot";
  config.exec.emplace();
  config.exec->api_version = kV1;
  config.exec->command = command;
  return config;
}

PluginSurroundings given(const Folder& folder) {
  PluginSurroundings surroundings;
  surroundings.path = folder.at("bin") + ":/usr/bin:/bin";
  surroundings.home = folder.at("home");
  return surroundings;
}

std::string credential(const Value& status, const std::string& version = kV1) {
  return to_json(Value::object({{"apiVersion", version}, {"kind", "ExecCredential"}, {"status", status}}));
}

std::string run_failure(const ClientConfig& config, const PluginSurroundings& surroundings) {
  try {
    run_exec_plugin(config, surroundings, kNoon);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "none";
}

std::string refused_output(const std::string& output) {
  try {
    read_exec_credential(output, *with_plugin("p").exec, kNoon);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a plugin is found in PATH and gets a clean environment") {
  const Folder folder;
  folder.script("bin/get-token", "echo noise >&2\nenv | sort > " + folder.at("seen") + "\necho \"$*\" > " +
                                     folder.at("arguments") + "\nls /proc/self/fd | wc -l > " +
                                     folder.at("descriptors") + "\ncat <<'END'\n" +
                                     credential(Value::object({{"token", "tok"}})) + "\nEND\n");
  ClientConfig config = with_plugin("get-token");
  config.exec->arguments = {"eks", "get token"};
  config.exec->environment.emplace_back("AWS_PROFILE", Secret("prod"));
  config.exec->environment.emplace_back("HOME", Secret("/another"));
  const PluginAnswer answer = run_exec_plugin(config, given(folder), kNoon);
  CHECK(answer.token.equals("tok"));
  CHECK(answer.expires == 0);
  CHECK(folder.read("arguments") == "eks get token\n");
  const std::string seen = folder.read("seen");
  CHECK(seen.find("AWS_PROFILE=prod\n") != std::string::npos);
  CHECK(seen.find("HOME=/another\n") != std::string::npos);
  CHECK(seen.find("PATH=" + folder.at("bin") + ":/usr/bin:/bin\n") != std::string::npos);
  CHECK(seen.find("KUBERNETES_EXEC_INFO={") != std::string::npos);
  CHECK(seen.find("USER=") == std::string::npos);
  CHECK(folder.read("descriptors") == "4\n");  // 0, 1, 2 and the folder that ls itself reads
}

TEST_CASE("what a plugin is told about the cluster") {
  ClientConfig config = with_plugin("p");
  CHECK(exec_info(config) == R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",)"
                             R"("spec":{"interactive":false}})");
  config.exec->provide_cluster_info = true;
  config.exec->cluster_settings = Value::object({{"audience", "abc"}});
  config.certificate_authority = "PEM";
  config.tls_server_name = "kubernetes";
  CHECK(exec_info(config) ==
        R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"cluster":{)"
        R"("certificate-authority-data":"UEVN","config":{"audience":"abc"},"server":"https://10.0.0.1:6443",)"
        R"("tls-server-name":"kubernetes"},"interactive":false}})");
}

TEST_CASE("a plugin that is not there is told with its install hint") {
  const Folder folder;
  ClientConfig config = with_plugin("aws-iam-authenticator");
  CHECK(run_failure(config, given(folder)) ==
        "the credential plugin 'aws-iam-authenticator' of user 'bot' is not in PATH (" + folder.at("bin") +
            ":/usr/bin:/bin) (install it, or name its absolute path in the kubeconfig)");
  config.exec->install_hint = "get it from the vendor";
  CHECK(run_failure(config, given(folder)).ends_with("(get it from the vendor)"));
  config.exec->command = folder.write("not-executable", "");
  CHECK(run_failure(config, given(folder)).find("is not there, or may not be executed") != std::string::npos);
}

TEST_CASE("a plugin that fails is told with its last words") {
  const Folder folder;
  const auto config = with_plugin(
      folder.script("fails", "echo first >&2\nprintf 'token has \\033[31mexpired\\n\\n' >&2\nexit 3\n"));
  CHECK(
      run_failure(config, given(folder)) ==
      "the credential plugin '" + config.exec->command +
          "' of user 'bot' ended with exit status 3: token has  [31mexpired (run it by hand as the daemon's "
          "user)");
  const auto killed = with_plugin(folder.script("killed", "kill -9 $$\n"));
  CHECK(run_failure(killed, given(folder)).find("killed by signal 9 (SIGKILL) (") != std::string::npos);
}

TEST_CASE("a plugin that hangs or prints without end is ended, and what it started too") {
  const Folder folder;
  PluginSurroundings surroundings = given(folder);
  surroundings.limit = std::chrono::seconds(5);  // the shell has to start within it
  const auto hangs = with_plugin(folder.script("hangs", "echo 'open a browser' >&2\nexec sleep 1000\n"));
  CHECK(run_failure(hangs, surroundings).find("did not end within 5 s: open a browser (") !=
        std::string::npos);
  const auto endless = with_plugin(folder.script("endless", "exec cat /dev/zero\n"));
  CHECK(run_failure(endless, given(folder)).find("printed more than 1048576 bytes") != std::string::npos);
  // Its child holds the output open; it is not waited for.
  const auto leaves = with_plugin(
      folder.script("leaves", "sleep 1000 &\necho '" + credential(Value::object({{"token", "t"}})) + "'\n"));
  CHECK(run_exec_plugin(leaves, given(folder), kNoon).token.equals("t"));
}

TEST_CASE("a plugin's output must be a credential of the version that was asked for") {
  CHECK(refused_output("Please log in").find("its output") != std::string::npos);
  CHECK(
      refused_output(credential(Value::object({{"token", "t"}}), "client.authentication.k8s.io/v1beta1")) ==
      "it printed apiVersion 'client.authentication.k8s.io/v1beta1', and the kubeconfig wants "
      "'client.authentication.k8s.io/v1' (change apiVersion in the user's `exec`, or the plugin's version)");
  CHECK(refused_output(R"({"kind":"Status"})") == "it printed kind 'Status', not ExecCredential");
  CHECK(refused_output(credential(Value())) == "it printed an ExecCredential without a status");
  CHECK(refused_output(credential(Value::object())) == "it printed neither a token nor a certificate");
  CHECK(refused_output(credential(Value::object({{"token", 7}}))) ==
        "it printed 'token' as integer, not as a string");
  CHECK(refused_output(credential(Value::object({{"token", "a\nb"}}))) ==
        "the token that it printed holds spaces, line ends or characters beyond ASCII");
  CHECK(refused_output(credential(Value::object({{"clientKeyData", "k"}}))) ==
        "it printed a key without its certificate");
  CHECK(refused_output(
            credential(Value::object({{"token", "t"}, {"expirationTimestamp", "2026-11-24T12:00:00Z"}}))) ==
        "the credential that it printed expired at 2026-11-24T12:00:00.000Z (check this machine's clock, and "
        "what the plugin keeps in its cache)");
  CHECK(refused_output(credential(Value::object({{"token", "t"}, {"expirationTimestamp", "soon"}}))) ==
        "it printed an expirationTimestamp that is no RFC 3339 time");
}

TEST_CASE("a plugin's certificate must fit its key and be in its time") {
  const auto good = make_certificate("bot", kNoon - 1'000'000, kNoon + 1'000'000);
  const auto old = make_certificate("old bot", kNoon - 2'000'000, kNoon - 1'000'000);
  const auto status = [](const std::string& certificate, const std::string& key) {
    return credential(Value::object({{"clientCertificateData", certificate},
                                     {"clientKeyData", key},
                                     {"expirationTimestamp", "2026-11-24T13:00:00.5+00:30"}}));
  };
  const PluginAnswer answer =
      read_exec_credential(status(good.certificate, good.key), *with_plugin("p").exec, kNoon);
  CHECK(answer.certificate == good.certificate);
  CHECK(answer.key.equals(good.key));
  CHECK(answer.expires == kNoon + 1'800'500'000);
  CHECK(refused_output(status(good.certificate, old.key)).find("does not belong") != std::string::npos);
  CHECK(refused_output(status(old.certificate, old.key)) ==
        "of what it printed, the certificate of 'CN=old bot' expired at 2026-11-24T11:59:59Z (check this "
        "machine's clock)");
}

TEST_CASE("the last line that says anything") {
  CHECK(last_line("a\nb\n\n \n") == "b");
  CHECK(last_line(" \n").empty());
  CHECK(last_line(std::string(400, 'x')) == std::string(300, 'x') + "...");
  CHECK(last_line("a\xff") == "a\xef\xbf\xbd");
}
