#include "providers/kubernetes/complaints.h"

#include <doctest/doctest.h>

#include "base/yaml.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

/// "field: message", one a line.
std::string told(std::string_view message) {
  std::string out;
  for (const auto& [field, text] : complaints_in(message)) out += field + ": " + text + "\n";
  return out;
}

}  // namespace

// The messages are the words of kube-apiserver 1.34.

TEST_CASE("a schema error of a server-side apply names its field") {
  CHECK(told("failed to create typed patch object (default/s; /v1, Kind=Service): .spec.selecter: field not "
             "declared in schema") == "spec.selecter: unknown field\n");
  CHECK(told("failed to create typed patch object (default/s; /v1, Kind=Service): .spec.ports: duplicate "
             "entries "
             "for key [port=80,protocol=\"TCP\"]") ==
        "spec.ports: duplicate entries for key [port=80,protocol=\"TCP\"]\n");
}

TEST_CASE("several schema errors are several complaints, and repeat no value") {
  CHECK(told("failed to create typed patch object (default/a; apps/v1, Kind=Deployment): errors:\n"
             "  .spec.containers[name=\"c: d\"].env[name=\"A\"].value: expected string, got "
             "&value.valueUnstructured{Value:1}\n"
             "  .spec.x: field not declared in schema") ==
        "spec.containers[name=\"c: d\"].env[name=\"A\"].value: expected string\nspec.x: unknown field\n");
}

TEST_CASE("what cannot be decoded") {
  CHECK(told("Service in version \"v1\" cannot be handled as a Service: strict decoding error: unknown field "
             "\"spec.selecter\", unknown field \"spec.ports[1].prot\"") ==
        "spec.selecter: unknown field\nspec.ports[1].prot: unknown field\n");
  CHECK(told("Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 3") ==
        ": illegal base64 data at input byte 3\n");
  CHECK(told("failed to convert new object (default/a; apps/v1, Kind=Deployment) to proper version: unable "
             "to convert "
             "unstructured object to apps/v1, Kind=Deployment: quantities must match") ==
        ": quantities must match\n");
}

TEST_CASE("what is none of these is nobody's mistake") {
  CHECK(complaints_in("etcdserver: request timed out").empty());
  CHECK(complaints_in("").empty());
}

TEST_CASE("what YAML made of a word without quotes is told") {
  const auto document = parse_yaml("data: {n: 1, a: no, b: On, c: 80, d: text, e: null}", "x").front();
  const auto hint = [&](const std::string& pointer, const char* message = "expected string") {
    return yaml_hint(document, pointer, message);
  };
  CHECK(hint("/data/false").find("n, no, off and false as a boolean, also as a key") != std::string::npos);
  CHECK(hint("/data/true", "unknown field").find("y, yes, on and true") != std::string::npos);
  CHECK(hint("/data/a") == "without quotes YAML reads n, no, off and false as a boolean: put it in quotes");
  CHECK(hint("/data/b") == "without quotes YAML reads y, yes, on and true as a boolean: put it in quotes");
  CHECK(hint("/data/c") == "without quotes YAML reads a number: put it in quotes");
  for (const char* none : {"/data/d", "/data/e", "/data/gone", "/data", ""}) CHECK(hint(none).empty());
  CHECK(hint("/data/c", "unknown field").empty());
}

TEST_CASE("a value that fills the screen is left out, so that what is wrong with it is seen") {
  CHECK(without_long_value("Invalid value: {\"Spec\":\"" + std::string(3000, 'x') +
                           "\"}: field is immutable") == "field is immutable");
  CHECK(without_long_value("Invalid value: \"10.0.0.9\": field is immutable") ==
        "Invalid value: \"10.0.0.9\": field is immutable");
  CHECK(without_long_value("Invalid value: " + std::string(3000, 'x')).size() < 400);
}
