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
  CHECK(text("${EMPTY=e} ${MISSING=f} ${NAME=g}") == R"({"v":"e f web"})");
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
  CHECK(replaced("\nv: ${NAME^x}\n") ==
        "{\"v\":\"${NAME^x}\"}\nf:2:4: \"${NAME^x}\" is no variable (write ${NAME}, ${NAME:-default}, or $$ "
        "for $ itself)");
  for (const auto* bad : {"${",       "${}",       "${1}",   "${A",     "${A:}",  "${A:+b}", "${A:?b}",
                          "${#A:1}",  "${A:-${B}", "${ A }", "${A!}",   "${A#a}", "${A%%a}", "${A:x}",
                          "${A: -1}", "${A:1:}",   "${A/b}", "${A//b}", "${A^,}", "${A^^^}"}) {
    CAPTURE(bad);
    CHECK(text(bad).find("is no variable") != std::string::npos);
  }
  std::string deep = "x";
  for (int i = 0; i < 100; ++i) deep = "${M:-" + deep + "}";
  CHECK(text(deep).find("is no variable") != std::string::npos);
}

TEST_CASE("what Flux makes of its own examples, by its own library") {
  // github.com/fluxcd/pkg/envsubst v1.4.0 between two YAML conversions, as its controller calls it.
  const std::map<std::string, std::string> variables = {{"NAME", "web"},          {"N", "3"},
                                                        {"YES", "true"},          {"EMPTY", ""},
                                                        {"quote", "\""},          {"path", "a/b/c/b"},
                                                        {"Mixed", "hELLO World"}, {"id", "0123"},
                                                        {"float", "1.50"},        {"umlaut", "\xc3\xa4x"}};
  const auto made = [&](const std::string& text) {
    render::Document document;
    document.json = Value::object({{"v", text}});
    std::vector<Problem> problems;
    render::substitute(document, variables, "f", problems);
    return problems.empty() ? to_json(*document.json.find("v")) : "refused";
  };
  const std::vector<std::pair<std::string, std::string>> table = {
      {"$$ $$NAME $$$NAME $$${NAME} $$$${NAME}", R"("$ $NAME $$NAME $web $${NAME}")"},
      {"$$(NAME) $", R"("$(NAME) $")"},
      {"$${MISSING:-x}", R"("${MISSING:-x}")"},
      {"\"${N}\"", R"("\"3\"")"},
      {"'${N}'", R"("'3'")"},
      {"${quote}${N}${quote}", R"("3")"},
      {"${quote}${YES}${quote}", R"("true")"},
      {"${quote}${id}${quote}", R"("0123")"},
      {"${id}", "83"},
      {"${float}", "1.5"},
      {"${EMPTY/b/x}y", "true"},
      {"${MISSING:=\"x\"}", R"("x")"},
      {"${MISSING:='3'}", R"("3")"},
      {"${MISSING:={a: b}}", R"("{a: b}")"},
      {"${NAME^^} ${Mixed,,} ${NAME^} ${Mixed,} ${Mixed^}",
       R"("WEB hello world Web hELLO World HELLO World")"},
      {"${#NAME} ${#MISSING}", R"("3 0")"},
      {"${Mixed:6} ${Mixed:0:5} ${Mixed:6:100} ${Mixed:100} x", R"("World hELLO World  x")"},
      {"${N:0:1}", "3"},
      {"${path/b/x}", R"("a/x/c/b")"},
      {"${path//b/x}", R"("a/x/c/x")"},
      {"${path//b/} x", R"("a//c/ x")"},
      {"${path/#a/x} ${path/#b/x} ${path/#a/}", R"("x/b/c/b a/b/c/b a/b/c/b")"},
      {"${path/%b/x} ${path/%c/x}", R"("a/b/c/x a/b/c/b")"},
      {"${path//\\//-}", R"("a-b-c-b")"},
      {"${path/b/${NAME}}", R"("a/web/c/b")"},
      {"${umlaut:2}", R"("x")"},
      {"${umlaut:1}", "refused"},  // half a character
  };
  for (const auto& row : table) {
    CAPTURE(row.first);
    CHECK(made(row.first) == row.second);
  }
}
