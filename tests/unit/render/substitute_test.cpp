#include "daemon/render/substitute.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "base/yaml.h"

using namespace gitopsd;

namespace {

const std::map<std::string, std::string> kVariables = {
    {"NAME", "web"},       {"N", "3"},      {"YES", "true"}, {"EMPTY", ""}, {"_x1", "under"},
    {"BRACES", "${NAME}"}, {"LONG", "a: b"}};

std::string replaced(const std::string& yaml,
                     const std::map<std::string, std::string>& variables = kVariables) {
  render::Document document;
  document.json = parse_yaml(yaml, "f").front();
  std::vector<Problem> problems;
  render::substitute(document, variables, "f", problems);
  std::string out = to_json(document.json);
  for (const auto& problem : problems) out += "\n" + problem.str();
  return out;
}

std::string text(const std::string& value) {
  return replaced("{v: '" + value + "'}");
}

}  // namespace

TEST_CASE("variables are replaced in texts") {
  CHECK(text("a-${NAME}-b") == R"({"v":"a-web-b"})");
  CHECK(text("${NAME}${_x1} $NAME $ { }") == R"({"v":"webunder $NAME $ { }"})");
  CHECK(text("x${MISSING}y${EMPTY}z") == R"({"v":"xyz"})");
  CHECK(text("${MISSING:-a b} ${MISSING:=c} ${EMPTY:-d}${EMPTY-e} ${MISSING-f}${NAME:-g}") ==
        R"({"v":"a b c d fweb"})");
  CHECK(text("${MISSING:-${NAME}} x${MISSING:-}") == R"({"v":"web x"})");
  CHECK(text("$${NAME} and ${BRACES}") == R"({"v":"${NAME} and ${NAME}"})");
}

TEST_CASE("a text that becomes a number, a boolean or nothing is one, as it is with Flux") {
  CHECK(text("${N}") == R"({"v":3})");
  CHECK(text("${YES}") == R"({"v":true})");
  CHECK(text("${MISSING:=1.5}") == R"({"v":1.5})");
  CHECK(text("${MISSING}") == R"({"v":null})");
  CHECK(text("${LONG}") == R"({"v":"a: b"})");
  CHECK(text(" ${N}") == R"({"v":" 3"})");
  CHECK(replaced("v: |\n  ${N}\n") == "{\"v\":\"3\\n\"}");
}

TEST_CASE("variables are replaced in keys, in lists and at any depth") {
  CHECK(replaced("a:\n- b-${N}: ${NAME}\n- ${N}\n") == R"({"a":[{"b-3":"web"},3]})");
  CHECK(replaced("{a: 1, '${X:-a}': 2}").find("that key is there already") != std::string::npos);
}

TEST_CASE("what is switched off, and an application without variables, is left alone") {
  const std::string where =
      "metadata: {labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\nv: ${N}\n";
  CHECK(replaced(where).find("${N}") != std::string::npos);
  CHECK(replaced("metadata: {annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\nv: ${N}\n")
            .find("${N}") != std::string::npos);
  CHECK(replaced("v: ${N}", {}) == R"({"v":"${N}"})");
}

TEST_CASE("what is no variable is a problem at its place") {
  CHECK(replaced("\nv: ${NAME^^}\n") ==
        "{\"v\":\"${NAME^^}\"}\nf:2:4: \"${NAME^^}\" is no variable (write ${NAME}, ${NAME:-default}, or $${ "
        "for ${ itself)");
  for (const auto* bad : {"${", "${}", "${1}", "${A", "${A:}", "${A:+b}", "${#A}", "${A:-${B}", "${ A }"}) {
    CAPTURE(bad);
    CHECK(text(bad).find("is no variable") != std::string::npos);
  }
  std::string deep = "x";
  for (int i = 0; i < 100; ++i) deep = "${M:-" + deep + "}";
  CHECK(text(deep).find("is no variable") != std::string::npos);
}
