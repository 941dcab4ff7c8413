#include "daemon/sync/input_key.h"

#include "base/hash.h"
#include "base/json.h"
#include "daemon/render/render.h"

namespace gitopsd::sync {

std::string encode_outside(const OutsidePaths& paths) {
  Value json = Value::array();
  for (const auto& [path, id] : paths) json.push(Value::Array{path, id});
  return to_json(json);
}

OutsidePaths decode_outside(const std::string& json) {
  OutsidePaths paths;
  if (json.empty()) return paths;
  const Value value = parse_json(json);
  for (const auto& pair : value.as_array()) {
    paths.emplace_back(pair.as_array().at(0).as_string(), pair.as_array().at(1).as_string());
  }
  return paths;
}

std::string source_key(const std::string& path, const source::Snapshot& snapshot,
                       const OutsidePaths& outside) {
  const auto id_of = [&](const std::string& at) {
    const auto entry = snapshot.entry(at);
    return entry ? entry->id.str() : std::string("missing");
  };
  Hasher hasher;
  hasher.field("source").field(render::kRenderer).field(std::to_string(render::kRendererVersion));
  hasher.field(path).field(id_of(path));
  for (const auto& [needed, unused] : outside) hasher.field(needed).field(id_of(needed));
  return to_hex(hasher.finish());
}

std::string settings_key(const config::Application& app, const config::Destination& destination) {
  Hasher hasher;
  hasher.field("settings");
  for (const auto* globs : {&app.include, &app.exclude}) {
    hasher.field(std::to_string(globs->size()));
    for (const auto& glob : *globs) hasher.field(glob);
  }
  hasher.field(to_json(app.policy)).field(to_json(app.defaults));
  hasher.field(destination.name.str()).field(destination.provider).field(to_json(destination.settings));
  return to_hex(hasher.finish());
}

std::string input_key(const std::string& source_key, const std::string& settings_key,
                      const std::string& render_context_digest) {
  Hasher hasher;
  hasher.field("input").field(source_key).field(settings_key).field(render_context_digest);
  return to_hex(hasher.finish());
}

}  // namespace gitopsd::sync
