// The JSON Schema says what the loader does, and the example is valid by both.
#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <set>
#include <valijson/adapters/rapidjson_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"
#include "config/fields.h"
#include "tests/unit/config/problems.h"

using namespace gitopsd;

namespace {

const Value& root() {
  static const Value schema = parse_json(config::schema(), "gitopsd.schema.json");
  return schema;
}

// What editors show or what only narrows a text: the loader's side of it is in its messages and its own
// tests.
bool is_annotation(const std::string& key) {
  static const std::set<std::string> keys{"$schema",  "title",   "description", "default",
                                          "examples", "pattern", "maxLength",   "definitions"};
  return keys.contains(key);
}

// The schema without annotations, every $ref replaced by what it points to.
Value skeleton(const Value& node, bool keys_are_names = false) {
  if (node.is_array()) {
    Value out = Value::array();
    for (const auto& item : node.as_array()) out.push(skeleton(item));
    return out;
  }
  if (!node.is_object()) return node;
  Value out = Value::object();
  for (const auto& [key, member] : node.as_object()) {
    if (key == "$ref" && !keys_are_names) {
      const auto* target = root().at_pointer(member.as_string().substr(1));
      REQUIRE(target != nullptr);
      const Value meant = skeleton(*target);
      for (const auto& [name, value] : meant.as_object()) out.set(name, value);
    } else if (keys_are_names || !is_annotation(key)) {
      out.set(key, skeleton(member, key == "properties" && !keys_are_names));
    }
  }
  return out;
}

void sort_words(Value& node) {
  if (node.is_array()) {
    auto& items = node.as_array();
    std::sort(items.begin(), items.end(),
              [](const Value& a, const Value& b) { return to_json(a) < to_json(b); });
  } else if (node.is_object()) {
    for (auto& [key, member] : node.as_object()) sort_words(member);
  }
}

// Collects "path: description missing".
void described(const Value& properties, const std::string& path, std::string& missing) {
  for (const auto& [key, member] : properties.as_object()) {
    const auto here = path + "/" + key;
    if (member.find("description") == nullptr) missing += here + "\n";
    if (const auto* inner = member.find("properties")) described(*inner, here, missing);
    if (const auto* inner = member.at_pointer("/items/properties")) described(*inner, here, missing);
  }
}

std::string validate(const Value& value) {
  rapidjson::Document schema_document, document;
  schema_document.Parse(std::string(config::schema()).c_str());
  document.Parse(to_json(value).c_str());
  valijson::Schema schema;
  valijson::SchemaParser().populateSchema(valijson::adapters::RapidJsonAdapter(schema_document), schema);
  valijson::ValidationResults results;
  valijson::Validator().validate(schema, valijson::adapters::RapidJsonAdapter(document), &results);
  std::string out;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    for (const auto& part : error.context) out += part;
    out += ": " + error.description + "\n";
  }
  return out;
}

std::string example() {
  return read_file(GITOPSD_SOURCE "/config/gitopsd.yaml.example");
}

}  // namespace

TEST_CASE("schema and loader agree on keys, types, words, bounds and what is required") {
  Value by_schema = skeleton(root());
  Value by_loader =
      config::json_schema(config::object_shape(config::config_fields(), "the sections of a configuration"));
  sort_words(by_schema);
  sort_words(by_loader);
  CHECK(to_pretty_json(by_schema) == to_pretty_json(by_loader));
}

TEST_CASE("the schema describes every key") {
  std::string missing;
  described(*root().find("properties"), "", missing);
  CHECK(missing == "");
}

TEST_CASE("the schema's defaults are the loader's") {
  const config::Config c;
  const auto text = [](const char* pointer) { return root().at_pointer(pointer)->as_string(); };
  const auto limit = [&](const std::string& name) {
    return text(("/properties/server/properties/limits/properties/" + name + "/default").c_str());
  };
  CHECK(text("/properties/server/properties/listen/default") == c.server.listen);
  CHECK(config::parse_size(limit("header_bytes")) == c.server.limits.header_bytes);
  CHECK(config::parse_size(limit("body_bytes")) == c.server.limits.body_bytes);
  CHECK(config::parse_size(limit("unproven_body_bytes")) == c.server.limits.unproven_body_bytes);
  CHECK(config::parse_size(limit("body_rate")) == c.server.limits.body_rate);
  CHECK(config::parse_duration(limit("header_timeout")) == c.server.limits.header_timeout);
  CHECK(config::parse_duration(limit("idle_timeout")) == c.server.limits.idle_timeout);
  CHECK(config::parse_duration(limit("stop_timeout")) == c.server.limits.stop_timeout);
  CHECK(text("/properties/api/properties/socket/default") == c.api.socket);
  CHECK(text("/properties/store/properties/path/default") == c.store.path);
  CHECK(config::parse_duration(text("/properties/store/properties/keep_events/default")) ==
        c.store.keep_events);
  const auto renderers = [&](const std::string& name) {
    return text(("/properties/renderers/properties/" + name + "/default").c_str());
  };
  CHECK(config::parse_duration(renderers("timeout")) == c.renderers.timeout);
  CHECK(config::parse_size(renderers("memory_bytes")) == c.renderers.memory_bytes);
  CHECK(config::parse_size(renderers("output_bytes")) == c.renderers.output_bytes);
  const config::Repository repository;
  const auto of_repository = [&](const std::string& name) {
    return config::parse_duration(
        text(("/properties/repositories/items/properties/" + name + "/default").c_str()));
  };
  CHECK(of_repository("poll") == repository.poll);
  CHECK(of_repository("connect_timeout") == repository.connect_timeout);
  CHECK(of_repository("idle_timeout") == repository.idle_timeout);
  CHECK(of_repository("total_timeout") == repository.total_timeout);
  const config::Application application;
  const auto of_application = [&](const std::string& name) {
    return config::parse_duration(
        text(("/properties/applications/items/properties/" + name + "/default").c_str()));
  };
  CHECK(of_application("check_interval") == application.check_interval);
  CHECK(of_application("health_timeout") == application.health_timeout);
}

TEST_CASE("the example is valid by schema and loader") {
  const auto text = example();
  const auto documents = parse_yaml(text, "gitopsd.yaml.example");
  REQUIRE(documents.size() == 1);
  CHECK(validate(documents[0]) == "");
  CHECK(test::problems(text) == "");
  const auto c = config::parse(text);
  CHECK(c->applications.size() == 2);
  CHECK(c->repository(RepositoryName("website"))->user == "git");
}

TEST_CASE("what the loader refuses, the schema refuses") {
  for (const auto* yaml : {"serve: {}", "store: {keep_syncs: 0}", "store: {keep_events: 90}",
                           "hooks: [{name: a}]", "api: {socket: here}", "server: {limits: {body_bytes: 1.5}}",
                           "destinations: [{name: A, provider: host}]", "server: {tls: {certificate: /a}}"}) {
    INFO(yaml);
    CHECK(test::problems(yaml) != "");
    CHECK(validate(parse_yaml(yaml, "x").front()) != "");
  }
}
