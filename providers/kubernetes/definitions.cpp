#include "providers/kubernetes/definitions.h"

#include <map>
#include <string_view>

namespace gitopsd::kubernetes {
namespace {

constexpr const char* kCrdGroup = "apiextensions.k8s.io";

}  // namespace

Kinds kinds_defined_by(const std::vector<protocol::Document>& documents) {
  Kinds kinds;
  for (const auto& document : documents) {
    const Value& crd = document.json;
    if (!crd.is_object() || crd.get_string("kind") != "CustomResourceDefinition" ||
        ApiVersion::parse(crd.get_string("apiVersion")).group != kCrdGroup)
      continue;
    const Value* group = crd.at_pointer("/spec/group");
    const Value* kind = crd.at_pointer("/spec/names/kind");
    const Value* plural = crd.at_pointer("/spec/names/plural");
    const Value* scope = crd.at_pointer("/spec/scope");
    const Value* versions = crd.at_pointer("/spec/versions");
    if (!group || !kind || !plural || !group->is_string() || !kind->is_string() || !plural->is_string() ||
        !versions || !versions->is_array())
      continue;  // the server says what is wrong with it
    KindInfo info;
    info.plural = plural->as_string();
    info.namespaced = !scope || !scope->is_string() || scope->as_string() == "Namespaced";
    for (const Value& version : versions->as_array())
      if (version.is_object() && version.find("name") && version.find("name")->is_string())
        info.versions.push_back(version.get_string("name"));
    kinds.add({group->as_string(), kind->as_string()}, info);
  }
  return kinds;
}

std::vector<Value> encode_kinds(const Kinds& kinds) {
  std::vector<Value> out;
  for (const auto& [type, info] : kinds.all()) {
    Value versions = Value::array();
    for (const auto& version : info.versions) versions.push(version);
    out.push_back(Value::object({{"group", type.group},
                                 {"kind", type.kind},
                                 {"plural", info.plural},
                                 {"namespaced", info.namespaced},
                                 {"versions", std::move(versions)}}));
  }
  return out;
}

void add_kinds(const std::vector<Value>& defined, Kinds& kinds) {
  for (const Value& one : defined) {
    if (!one.is_object() || one.get_string("kind").empty()) continue;
    const Value* namespaced = one.find("namespaced");
    KindInfo info;
    info.plural = one.get_string("plural");
    info.namespaced = !namespaced || !namespaced->is_bool() || namespaced->as_bool();
    for (const Value& version : one.get_array("versions"))
      if (version.is_string()) info.versions.push_back(version.as_string());
    kinds.add({one.get_string("group"), one.get_string("kind")}, info);
  }
}

void add_kinds_of_ids(const protocol::PlanRequest& request, const Kinds& server, Kinds& kinds) {
  std::map<std::string_view, const Value*> documents;
  for (const auto& document : request.documents) documents.emplace(document.digest, &document.json);
  std::map<GroupKind, KindInfo> others;
  for (const auto& resource : request.upsert) {
    const auto id = Id::parse(resource.id.str());
    const auto document = documents.find(resource.document);
    if (!id || document == documents.end() || !document->second->is_object()) continue;
    const std::string version = ApiVersion::parse(document->second->get_string("apiVersion")).version;
    const KindInfo* served = server.find(id->type);
    if (served && served->serves(version)) continue;
    KindInfo& info = others[id->type];
    info.namespaced = !id->space.empty();
    if (!info.serves(version)) info.versions.push_back(version);
  }
  for (const auto& [type, info] : others) kinds.add(type, info);
}

}  // namespace gitopsd::kubernetes
