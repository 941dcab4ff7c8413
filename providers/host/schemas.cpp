#include "base/json.h"
#include "providers/host/wanted.h"

namespace gitopsd::host {
namespace {

Value string_of(std::string description) {
  return Value::object({{"type", "string"}, {"description", std::move(description)}});
}

Value path_schema() {
  return string_of("Absolute, without ., .., // and a slash at the end.").set("pattern", "^(/[^/]+)+$");
}

Value mode_schema(const char* fallback) {
  return string_of(std::string("Octal, in quotes; ") + fallback + " by default.")
      .set("pattern", "^[0-7]{3,4}$");
}

Value document_schema(const char* kind, Value properties, const std::vector<std::string>& required) {
  Value needed = Value::array();
  for (const auto& key : required) needed.push(key);
  Value spec = Value::object({{"type", "object"}, {"additionalProperties", false}, {"required", needed}});
  spec.set("properties", std::move(properties));
  Value strings =
      Value::object({{"type", "object"}, {"additionalProperties", Value::object({{"type", "string"}})}});
  Value metadata = Value::object({{"type", "object"}, {"additionalProperties", false}});
  metadata.set("required", Value::array().push("name"));
  metadata.set("properties", Value::object({{"name", Value::object({{"type", "string"}, {"minLength", 1}})},
                                            {"labels", strings},
                                            {"annotations", strings}}));
  Value schema = Value::object({{"$schema", "http://json-schema.org/draft-07/schema#"},
                                {"type", "object"},
                                {"additionalProperties", false}});
  schema.set("required", Value::array().push("apiVersion").push("kind").push("metadata").push("spec"));
  return schema.set("properties", Value::object({{"apiVersion", Value::object({{"const", kApiVersion}})},
                                                 {"kind", Value::object({{"const", kind}})},
                                                 {"metadata", std::move(metadata)},
                                                 {"spec", std::move(spec)}}));
}

Value owned(Value properties, const char* mode) {
  properties.set("mode", mode_schema(mode));
  properties.set("owner", string_of("A user that the policy names; the provider's own by default."));
  return properties.set("group", string_of("A group that the policy names; the provider's own by default."));
}

Value file_schema() {
  Value properties = owned(Value::object({{"path", path_schema()}}), "0644");
  properties.set("content", string_of("The text of the file."));
  properties.set("contentBase64", string_of("The bytes of the file, in base64."));
  properties.set("source",
                 string_of("A file of the repository: relative to the application's path, or from the "
                           "root with a leading slash."));
  properties.set("sensitive",
                 Value::object({{"type", "boolean"}, {"description", "Content appears in no diff."}}));
  Value schema = document_schema("File", std::move(properties), {"path"});
  Value one_of = Value::array();
  for (const char* key : {"content", "contentBase64", "source"})
    one_of.push(Value::object({{"required", Value::array().push(key)}}));
  schema.as_object().at("properties").as_object().at("spec").set("oneOf", std::move(one_of));
  return schema;
}

Value directory_schema() {
  Value properties = owned(Value::object({{"path", path_schema()}}), "0755");
  properties.set("purge", Value::object({{"const", false}}));
  return document_schema("Directory", std::move(properties), {"path"});
}

Value symlink_schema() {
  Value properties = Value::object({{"path", path_schema()}});
  properties.set("target", Value::object({{"type", "string"}, {"minLength", 1}, {"maxLength", 4095}}));
  return document_schema("Symlink", std::move(properties), {"path", "target"});
}

}  // namespace

Value kind_schemas() {
  return Value::object(
      {{"File", file_schema()}, {"Directory", directory_schema()}, {"Symlink", symlink_schema()}});
}

}  // namespace gitopsd::host
