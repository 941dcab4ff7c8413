#include "providers/kubernetes/resize.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::array<const char*, 2> kContainerLists{"containers", "initContainers"};

const Value* container_named(const Value& pod, const char* list, const std::string& name) {
  const auto& containers = list_at(pod, std::string("/spec/") + list);
  const auto it = std::find_if(containers.begin(), containers.end(),
                               [&](const Value& each) { return each.get_string("name") == name; });
  return it == containers.end() ? nullptr : &*it;
}

}  // namespace

bool may_need_resize(const Id& id, const Value& status) {
  return id.type == GroupKind{"", "Pod"} &&
         status.get_string("message").find("pod updates may not change fields") != std::string::npos;
}

HttpRequest resize_request(const Manifest& manifest, const Policy& policy,
                           const std::string& resource_version, bool dry_run) {
  Value spec = Value::object();
  for (const char* list : kContainerLists)
    for (const Value& container : list_at(manifest.object, std::string("/spec/") + list)) {
      const Value* resources = container.find("resources");
      if (!resources) continue;
      if (!spec.find(list)) spec.set(list, Value::array());
      spec.as_object().at(list).push(
          Value::object({{"name", container.get_string("name")}, {"resources", *resources}}));
    }
  Value body = Value::object({{"spec", std::move(spec)}});
  if (!resource_version.empty()) body.set("metadata", Value::object({{"resourceVersion", resource_version}}));
  HttpRequest request;
  request.method = "PATCH";
  request.path = manifest.path() + "/resize?fieldManager=" + kManager + (dry_run ? "&dryRun=All" : "");
  request.content_type = "application/strategic-merge-patch+json";
  request.body = to_json(body);
  request.headers = policy.headers();
  return request;
}

void take_resources(Value& pod, const Value& from) {
  for (const char* list : kContainerLists) {
    if (list_at(pod, std::string("/spec/") + list).empty()) continue;
    for (Value& container : pod.as_object().at("spec").as_object().at(list).as_array()) {
      if (!container.find("resources")) continue;
      const Value* other = container_named(from, list, container.get_string("name"));
      const Value* resources = other ? other->find("resources") : nullptr;
      if (resources)
        container.set("resources", *resources);
      else
        container.as_object().erase("resources");
    }
  }
}

}  // namespace gitopsd::kubernetes
