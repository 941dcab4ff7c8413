#include "base/json.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {

std::string Precondition::text() const {
  if (keep) return "keep";
  if (uid.empty()) return "absent";
  Value out = Value::object({{"uid", uid}, {"version", resource_version}, {"content", content}});
  if (!propagation.empty()) out.set("propagation", propagation);
  if (refused) out.set("refused", true);
  if (resize) out.set("resize", true);
  if (!holds.empty()) out.set("holds", Value::Array(holds.begin(), holds.end()));
  for (const auto& path : take) {
    if (!out.find("take")) out.set("take", Value::array());
    out.as_object().at("take").push(Value::Array(path.begin(), path.end()));
  }
  return to_json(out);
}

Precondition Precondition::parse(const std::string& text) {
  Precondition out;
  out.keep = text == "keep";
  if (out.keep || text == "absent") return out;
  const Value in = parse_json(text, "the precondition");
  out.uid = in.get_string("uid");
  out.resource_version = in.get_string("version");
  out.content = in.get_string("content");
  out.propagation = in.get_string("propagation");
  out.refused = in.get_bool("refused");
  out.resize = in.get_bool("resize");
  for (const Value& held : in.get_array("holds")) out.holds.push_back(held.as_string());
  for (const Value& path : in.get_array("take")) {
    auto& tokens = out.take.emplace_back();
    for (const Value& token : path.as_array()) tokens.push_back(token.as_string());
  }
  return out;
}

Precondition Precondition::of(const Value& live, const OwnedDigests& digests, const Ignored& ignored) {
  Precondition out;
  Value rest = LeftToOthers(ignored, live).without(live);
  rest.as_object().erase("status");
  Value& metadata = rest.as_object().at("metadata");
  out.uid = metadata.get_string("uid");
  out.resource_version = metadata.get_string("resourceVersion");
  for (const char* key : {"managedFields", "resourceVersion", "generation"}) metadata.as_object().erase(key);
  out.content = digests.entry(rest);
  return out;
}

void make_deletion(HttpRequest& read, const std::string& uid, const std::string& propagation) {
  read.method = "DELETE";
  read.content_type = "application/json";
  read.body = to_json(Value::object({{"kind", "DeleteOptions"},
                                     {"apiVersion", "v1"},
                                     {"propagationPolicy", propagation},
                                     {"preconditions", Value::object({{"uid", uid}})}}));
}

HttpRequest apply_request(const Manifest& manifest, const protocol::Owner& owner, const Policy& policy,
                          const std::string& resource_version, bool dry_run) {
  HttpRequest request;
  request.method = "PATCH";
  request.path = manifest.path() + "?fieldManager=" + kManager + "&fieldValidation=Strict" +
                 (policy.force ? "&force=true" : "") + (dry_run ? "&dryRun=All" : "");
  request.content_type = "application/apply-patch+yaml";
  request.body = apply_body(manifest, owner, resource_version);
  request.headers = policy.headers();
  return request;
}

}  // namespace gitopsd::kubernetes
