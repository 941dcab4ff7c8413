#include "providers/aws/stack.h"

#include <algorithm>

#include "providers/aws/endpoint.h"
#include "providers/protocol/spec_reader.h"

namespace gitopsd::aws {
namespace {

using protocol::SpecReader;
using protocol::WireProblem;

constexpr std::string_view kIdPrefix = "stack/";
constexpr std::size_t kLongestName = 128, kMostTags = 48;  // 50, of which two are ours
const Value kNoMetadata = Value::object();
const std::vector<std::string> kCapabilities{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM",
                                             "CAPABILITY_AUTO_EXPAND"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A parameter may be written as YAML reads it: `Port: 80`.
std::optional<std::string> text_of(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_int()) return std::to_string(value.as_int());
  if (value.is_array()) {  // CommaDelimitedList
    std::string all;
    for (const Value& item : value.as_array()) {
      const auto text = text_of(item);
      if (!text || item.is_array()) return std::nullopt;
      all += (all.empty() ? "" : ",") + *text;
    }
    return all;
  }
  return std::nullopt;
}

/// `Y: 1` without quotes is no name that anybody wrote: a tag or parameter of another name would come of it.
bool is_truth(const std::string& name, SpecReader& in) {
  if (name != "true" && name != "false") return false;
  in.problem(name, "a name is read as '" + name + "'",
             "YAML reads y, n, yes, no, on and off without quotes as true or false: put the name in quotes");
  return true;
}

Texts read_texts(SpecReader& in, const std::string& key, const std::string& pointer,
                 const std::string& document, std::vector<WireProblem>& problems) {
  Texts out;
  const Value* value = in.member(key);
  if (!value) return out;
  SpecReader reader(value, pointer, document, problems);
  if (!value->is_object()) return out;
  for (const auto& [name, item] : value->as_object()) {
    if (is_truth(name, reader)) continue;
    if (auto text = text_of(item))
      out[name] = *std::move(text);
    else
      reader.problem(name, "'" + name + "' must be a string, found " + std::string(item.type_name()),
                     "put it in quotes");
  }
  return out;
}

/// The text of the place of a stack that is meant by its name, in the same region unless another is named.
std::string place_named(const std::string& name, const std::optional<std::string>& region,
                        const Reading& reading, const StackPlace& from) {
  if (!region) return StackPlace{from.region, name}.text();
  return StackPlace{*region == reading.region ? "" : *region, name}.text();
}

/// `VpcId: {stack: network, output: VpcId}`
void read_parameters(SpecReader& spec, const Reading& reading, const std::string& document, Stack& stack,
                     std::vector<WireProblem>& problems) {
  const Value* all = spec.member("parameters");
  if (!all) return;
  SpecReader reader(all, "/spec/parameters", document, problems);
  if (!all->is_object()) return;
  for (const auto& [name, value] : all->as_object()) {
    if (is_truth(name, reader)) continue;
    if (auto text = text_of(value)) {
      stack.parameters[name] = *std::move(text);
    } else if (value.is_object()) {
      SpecReader output(&value, "/spec/parameters" + pointer_token(name), document, problems);
      output.allow({"stack", "region", "output"});
      const auto from = output.needed_text("stack"), which = output.needed_text("output");
      const auto region = output.text("region");
      if (!from || !which) continue;
      const auto place = place_named(*from, region, reading, StackPlace::parse(stack.name));
      if (!is_stack_name(*from) || (region && !is_region(*region)))
        output.problem("stack", "'" + place + "' is no stack");
      if (place == stack.name) output.problem("stack", "a stack's parameter cannot be an output of its own");
      stack.from_outputs[name] = {place, *which};
    } else {
      reader.problem(name, "'" + name + "' must be a string, found " + std::string(value.type_name()),
                     "put it in quotes, or take it from another stack: {stack: NAME, output: NAME}");
    }
  }
}

/// A name, of a stack in the same region, or REGION/NAME.
void read_requirements(SpecReader& spec, const Reading& reading, Stack& stack) {
  const auto here = StackPlace::parse(stack.name);
  if (const Value* list = spec.member("requires")) {
    for (const Value& item : list->is_array() ? list->as_array() : Value::Array{Value()}) {
      const auto said = StackPlace::parse(item.is_string() ? item.as_string() : "");
      if (!is_stack_name(said.name) || !(said.region.empty() || is_region(said.region)))
        return spec.problem("requires", "'requires' must be a list of stacks' names",
                            "one in another region is written REGION/NAME");
      stack.requires_.push_back(place_named(
          said.name, said.region.empty() ? std::nullopt : std::optional(said.region), reading, here));
    }
  }
  for (const auto& [name, from] : stack.from_outputs) stack.requires_.push_back(from.stack);
  std::sort(stack.requires_.begin(), stack.requires_.end());
  stack.requires_.erase(std::unique(stack.requires_.begin(), stack.requires_.end()), stack.requires_.end());
}

void check_tags(const Stack& stack, SpecReader& in) {
  if (stack.tags.size() > kMostTags)
    in.problem("tags", "a stack has at most " + std::to_string(kMostTags) + " tags beside ours");
  for (const auto& [key, value] : stack.tags)
    if (key.starts_with("gitopsd.io/") || key.starts_with("aws:"))
      in.problem("tags", "the tag '" + key + "' is not yours to set", "choose another prefix");
}

void read_capabilities(SpecReader& spec, Stack& stack) {
  const Value* list = spec.member("capabilities");
  if (!list) return;
  if (!list->is_array()) return spec.problem("capabilities", "'capabilities' must be a list");
  for (const Value& item : list->as_array()) {
    const std::string word = item.is_string() ? item.as_string() : "";
    if (is_capability(word))
      stack.capabilities.push_back(word);
    else
      spec.problem("capabilities", "'" + word + "' is no capability",
                   "use CAPABILITY_IAM, CAPABILITY_NAMED_IAM or CAPABILITY_AUTO_EXPAND");
  }
}

void read_template(SpecReader& spec, const std::string& key, const protocol::Document& document, Stack& stack,
                   bool from_root) {
  const auto file = read_file_member(spec, key, document, from_root);
  if (!file) return;
  stack.template_path = file->path;
  stack.template_ = file->blob;
}

/// Where it is to be: in the destination's region unless it names another.
void read_region(SpecReader& spec, const Reading& reading, StackPlace& place) {
  const auto region = spec.text("region");
  if (!region || *region == reading.region) return;
  if (!is_region(*region)) return spec.problem("region", "'" + *region + "' is no name of a region");
  if (partition_of(*region).name != partition_of(reading.region).name)
    return spec.problem("region", "'" + *region + "' is in another partition than " + reading.region,
                        "an account is in one partition: make a destination of its own");
  place.region = *region;
}

void read_declaration(SpecReader& top, const Reading& reading, const protocol::Document& document,
                      Stack& stack, std::vector<WireProblem>& problems) {
  top.allow({"apiVersion", "kind", "metadata", "spec"});
  SpecReader metadata(top.member("metadata"), "/metadata", document.digest, problems);
  metadata.allow({"name", "labels", "annotations"});
  StackPlace place;
  if (const auto name = metadata.needed_text("name")) {
    place.name = *name;
    if (!is_stack_name(*name))
      metadata.problem("name", "'" + *name + "' is no name of a stack",
                       "it begins with a letter and has letters, digits and hyphens, at most 128");
  }
  stack.options = protocol::read_options(metadata, reading.defaults, document.digest, problems);
  SpecReader spec(top.member("spec"), "/spec", document.digest, problems);
  auto known = option_names();
  known.insert(known.begin(),
               {"template", "parameters", "tags", "capabilities", "role", "requires", "region"});
  spec.allow(known);
  read_region(spec, reading, place);
  stack.name = place.text();
  read_template(spec, "template", document, stack, false);
  read_parameters(spec, reading, document.digest, stack, problems);
  read_requirements(spec, reading, stack);
  stack.tags = read_texts(spec, "tags", "/spec/tags", document.digest, problems);
  check_tags(stack, spec);
  read_capabilities(spec, stack);
  stack.role = spec.text("role").value_or("");
  stack.more = read_stack_options(spec, document, problems);
}

void read_deployment_file(SpecReader& top, const Reading& reading, const protocol::Document& document,
                          Stack& stack, std::vector<WireProblem>& problems) {
  top.allow({"apiVersion", "kind", "template-file-path", "parameters", "tags"});
  stack.name = reading.only;
  if (stack.name.empty())
    top.problem("", "a deployment file does not say which stack it is of",
                "let the policy's `stacks` name that one and no other, or declare a Stack");
  read_template(top, "template-file-path", document, stack, true);
  stack.parameters = read_texts(top, "parameters", "/parameters", document.digest, problems);
  stack.tags = read_texts(top, "tags", "/tags", document.digest, problems);
  check_tags(stack, top);
  stack.capabilities = reading.capabilities;
  stack.role = reading.role;
  SpecReader nothing(&kNoMetadata, "/metadata", document.digest, problems);
  stack.options = protocol::read_options(nothing, reading.defaults, document.digest, problems);
}

}  // namespace

bool is_stack_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || c == '-' || (c >= '0' && c <= '9'); });
}

bool is_capability(std::string_view word) {
  return std::find(kCapabilities.begin(), kCapabilities.end(), word) != kCapabilities.end();
}

StackPlace StackPlace::parse(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

Stack read_declared_stack(const protocol::Document& document, const Reading& reading,
                          std::vector<WireProblem>& problems) {
  Stack stack;
  stack.document = document.digest;
  stack.blobs = document.blobs;
  SpecReader top(&document.json, "", document.digest, problems);
  if (!document.json.is_object()) return stack;
  if (const auto version = top.needed_text("apiVersion"); version && *version != kApiVersion)
    top.problem("apiVersion", "unknown apiVersion '" + *version + "'",
                "AWS understands " + std::string(kApiVersion));
  const auto kind = top.needed_text("kind");
  if (kind == kStackKind) {
    read_declaration(top, reading, document, stack, problems);
  } else if (kind == kDeploymentFileKind) {
    read_deployment_file(top, reading, document, stack, problems);
  } else if (kind) {
    const auto near = did_you_mean(*kind, {std::string(kStackKind), "BucketContent"});
    top.problem("kind", "unknown kind '" + *kind + "'",
                near.empty() ? "AWS knows Stack and BucketContent" : "did you mean '" + near + "'?");
  }
  return stack;
}

std::optional<Stack> read_stack(const protocol::Document& document, const Reading& reading,
                                std::vector<WireProblem>& problems) {
  const std::size_t before = problems.size();
  Stack stack = read_declared_stack(document, reading, problems);
  if (problems.size() != before) return std::nullopt;
  return stack;
}

ResourceId id_of(const std::string& stack) {
  return ResourceId(std::string(kIdPrefix) + stack);
}

std::string name_of(const ResourceId& id) {
  return id.str().substr(kIdPrefix.size());
}

std::optional<protocol::Owner> owner_of(const Texts& tags) {
  const auto installation = tags.find(std::string(kInstallationTag));
  const auto application = tags.find(std::string(kApplicationTag));
  if (installation == tags.end() || application == tags.end()) return std::nullopt;
  return protocol::Owner{installation->second, application->second};
}

Texts tags_for(const Stack& stack, const protocol::Owner& owner) {
  Texts tags = stack.tags;
  tags[std::string(kInstallationTag)] = owner.installation;
  tags[std::string(kApplicationTag)] = owner.application;
  return tags;
}

Value stack_schema() {
  const Value text = Value::object({{"type", "string"}});
  const Value texts = Value::object({{"type", "object"}});
  Value words = Value::array();
  for (const auto& word : kCapabilities) words.push(word);
  Value spec = Value::object(
      {{"type", "object"}, {"additionalProperties", false}, {"required", Value::array().push("template")}});
  Value properties = Value::object(
      {{"template", text},
       {"region", text},
       {"requires", Value::object({{"type", "array"}, {"items", text}})},
       {"parameters", texts},
       {"tags", texts},
       {"capabilities",
        Value::object({{"type", "array"}, {"items", Value::object({{"enum", std::move(words)}})}})},
       {"role", text}});
  add_option_schemas(properties);
  spec.set("properties", std::move(properties));
  return declared_schema(kStackKind, std::move(spec));
}

Value declared_schema(std::string_view kind, Value spec) {
  const Value text = Value::object({{"type", "string"}});
  const Value texts = Value::object({{"type", "object"}});
  Value metadata = Value::object(
      {{"type", "object"}, {"additionalProperties", false}, {"required", Value::array().push("name")}});
  metadata.set("properties", Value::object({{"name", text}, {"labels", texts}, {"annotations", texts}}));
  Value schema = Value::object({{"$schema", "http://json-schema.org/draft-07/schema#"},
                                {"type", "object"},
                                {"additionalProperties", false}});
  schema.set("required", Value::array().push("apiVersion").push("kind").push("metadata").push("spec"));
  return schema.set("properties", Value::object({{"apiVersion", Value::object({{"const", kApiVersion}})},
                                                 {"kind", Value::object({{"const", kind}})},
                                                 {"metadata", std::move(metadata)},
                                                 {"spec", std::move(spec)}}));
}

}  // namespace gitopsd::aws
