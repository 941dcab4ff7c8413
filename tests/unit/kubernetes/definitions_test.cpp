#include "providers/kubernetes/definitions.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

protocol::Document definition_document(const char* yaml) {
  protocol::Document document;
  document.digest = yaml;
  document.json = object_of(yaml);
  return document;
}

constexpr const char* kStall =
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: "
    "stalls.example.com}, "
    "spec: {group: example.com, scope: Cluster, names: {kind: Stall, plural: stalls}, "
    "versions: [{name: v1}, {name: v2}]}}";

}  // namespace

TEST_CASE("what definitions define is the same where it was told and told again") {
  const Kinds own = kinds_defined_by({definition_document(kStall), definition_document("{kind: Stall}")});
  Kinds told;
  add_kinds(encode_kinds(own), told);
  REQUIRE(told.all().size() == 1);
  const KindInfo* kind = told.find({"example.com", "Stall"});
  REQUIRE(kind);
  CHECK(kind->plural == "stalls");
  CHECK_FALSE(kind->namespaced);
  CHECK(kind->versions == std::vector<std::string>{"v1", "v2"});
}

TEST_CASE("what is told and is no kind is passed over") {
  Kinds kinds;
  add_kinds({Value("Stall"), Value(), Value::object({{"plural", "stalls"}})}, kinds);
  CHECK(kinds.empty());
}

TEST_CASE("a plan's part takes from its ids what the server does not serve") {
  Kinds server;
  server.add({"example.com", "Old"}, {"olds", true, true, {"v1"}});
  protocol::PlanRequest request;
  const auto add = [&](const char* id, const char* yaml) {
    request.documents.push_back(definition_document(yaml));
    protocol::Resource resource;
    resource.id = ResourceId(id);
    resource.document = yaml;
    request.upsert.push_back(resource);
  };
  add("Old.example.com/web/a", "{apiVersion: example.com/v1, kind: Old}");
  add("New.example.com/web/a", "{apiVersion: example.com/v1, kind: New}");
  add("New.example.com/web/b", "{apiVersion: example.com/v2, kind: New}");
  add("Wide.example.com/a", "{apiVersion: example.com/v1, kind: Wide}");
  Kinds kinds;
  add_kinds_of_ids(request, server, kinds);
  CHECK(kinds.all().size() == 2);
  const KindInfo* fresh = kinds.find({"example.com", "New"});
  REQUIRE(fresh);
  CHECK(fresh->versions == std::vector<std::string>{"v1", "v2"});
  CHECK(fresh->namespaced);
  REQUIRE(kinds.find({"example.com", "Wide"}));
  CHECK_FALSE(kinds.find({"example.com", "Wide"})->namespaced);
}
