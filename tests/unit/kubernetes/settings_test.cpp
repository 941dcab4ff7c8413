#include "providers/kubernetes/settings.h"

#include <doctest/doctest.h>

#include <map>

#include "base/json.h"
#include "providers/protocol/service.h"
#include "tests/unit/kubernetes/folder.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

/// Pointer -> message.
std::map<std::string, std::string> settings_problems(const std::string& json) {
  std::map<std::string, std::string> out;
  try {
    read_settings(parse_json(json, "test"));
  } catch (const protocol::SettingsRefused& refused) {
    for (const auto& problem : refused.all()) out[problem.pointer] += problem.message;
  }
  return out;
}

std::string small_kubeconfig(const std::string& user) {
  return "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
         "clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443'}}]\nusers: [{name: u, user: " +
         user + "}]\n";
}

}  // namespace

TEST_CASE("all that is wrong with the settings is told, each with its place") {
  const auto told = settings_problems(
      R"({"kubeconfig":"/nowhere/config","kontext":"a","health":[{"kind":"A","health":"fine"}]})");
  CHECK(told.size() == 3);
  CHECK(told.at("/kubeconfig").find("/nowhere/config") != std::string::npos);
  CHECK(told.at("/kontext") == "a Kubernetes destination has no setting `kontext`");
  CHECK(told.count("/health/0/health") == 1);
  const auto types = settings_problems(R"({"kubeconfig":5,"credential":[],"context":{},"health":"x"})");
  CHECK(types.at("/kubeconfig") == "the setting `kubeconfig` has to be a text, or a list of such");
  CHECK(types.at("/credential") == "the setting `credential` has to be a text");
  CHECK(types.at("/context") == "the setting `context` has to be a text");
  CHECK(types.count("/health") == 1);
  CHECK(settings_problems(R"({"kubeconfig":["/a",1]})").at("/kubeconfig") ==
        "the setting `kubeconfig` lists something that is no path");
  CHECK(settings_problems(R"({"kubeconfig":"/a","credential":"b"})").count("/credential") == 1);
  CHECK(settings_problems(R"({"context":"b"})").at("/context") ==
        "the setting `context` needs a `kubeconfig`");
}

TEST_CASE("a systemd credential may be elsewhere, where a configuration is only checked") {
  try {
    read_settings(parse_json(R"({"credential":"kubeconfig"})", "test"));
    FAIL("there is no such credential");
  } catch (const protocol::SettingsRefused& refused) {
    REQUIRE(refused.all().size() == 1);
    CHECK(refused.all()[0].pointer == "/credential");
    CHECK(refused.all()[0].cause == ProblemCause::destination);
  }
}

TEST_CASE("how often it is looked at the cluster can be said, in whole seconds") {
  const Folder folder;
  const auto path = folder.write("config", small_kubeconfig("{token: t}"));
  const auto with = [&](const std::string& look) {
    return R"({"kubeconfig":")" + path + R"(","look_seconds":)" + look + "}";
  };
  CHECK(read_settings(parse_json(with("null"), "test")).look == std::chrono::seconds(30));
  CHECK(read_settings(parse_json(with("2"), "test")).look == std::chrono::seconds(2));
  for (const auto* wrong : {"0", "3601", "2.5", R"("30s")", "-1", "[]"}) {
    CAPTURE(wrong);
    CHECK(settings_problems(with(wrong)).at("/look_seconds") ==
          "the setting `look_seconds` has to be a number from 1 to 3600");
  }
}

TEST_CASE("a place in the kubeconfig is told, too") {
  const Folder folder;
  const auto path = folder.write("config", small_kubeconfig("{token: 5}"));
  const auto told = settings_problems(R"({"kubeconfig":")" + path + R"("})");
  CHECK(told.at("/kubeconfig").starts_with(path + ":4:"));
}

TEST_CASE("kubeconfigs are listed as $KUBECONFIG does, or as a list") {
  const Folder folder;
  const auto path = folder.write("config", small_kubeconfig("{token: a}"));
  for (const std::string& value :
       {"\"" + path + "\"", "\":" + path + ":/nowhere:\"", "[\"/nowhere\",\"" + path + "\"]"}) {
    const auto settings = read_settings(parse_json("{\"kubeconfig\":" + value + "}", "test"));
    CHECK(settings.config.token.equals("a"));
    CHECK(settings.name == "context 'c' of " + path);
  }
}
