#include "daemon/sync/input_key.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "daemon/render/render.h"
#include "daemon/render/repository_path.h"
#include "daemon/render/sandbox.h"

namespace gitopsd::sync {
namespace {

std::string id_of(const source::Snapshot& snapshot, const std::string& path) {
  if (path.starts_with('/')) return render::program_identity(path);
  const auto entry = snapshot.entry(path);
  return entry ? entry->id.str() : std::string("missing");
}

/// Only where it is given: an application without it keeps the key that it had before there was such a
/// setting.
void add_rendering(Hasher& hasher, const config::Application& app) {
  if (!app.bases.empty()) hasher.field("bases").field(std::to_string(app.bases.size()));
  for (const auto& name : app.bases) hasher.field(name.str());
  if (!app.kustomize.is_null()) hasher.field("kustomize").field(to_json(app.kustomize));
  if (app.helm) {
    const auto& helm = *app.helm;
    hasher.field("helm").field(helm.release).field(helm.target_namespace).field(helm.kube_version);
    hasher.field(to_json(helm.inline_values)).field(helm.crds ? "crds" : "");
    for (const auto* list : {&helm.values, &helm.api_versions}) {
      hasher.field(std::to_string(list->size()));
      for (const auto& text : *list) hasher.field(text);
    }
  }
  if (!app.substitute.empty()) hasher.field("substitute").field(std::to_string(app.substitute.size()));
  for (const auto& [name, text] : app.substitute) hasher.field(name).field(text);
}

}  // namespace

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

void add_reads(OutsidePaths& outside, const std::string& application_path, const std::set<std::string>& reads,
               const source::Snapshot& snapshot) {
  for (const auto& path : reads) {
    const bool there =
        std::any_of(outside.begin(), outside.end(), [&](const auto& o) { return o.first == path; });
    // A program lies outside also where the application's path is the whole repository.
    if (!there && (path.starts_with('/') || !render::is_within(application_path, path)))
      outside.emplace_back(path, id_of(snapshot, path));
  }
  std::sort(outside.begin(), outside.end());
}

std::string source_key(const std::string& path, const source::Snapshot& snapshot,
                       const OutsidePaths& outside) {
  Hasher hasher;
  hasher.field("source").field(render::kRenderer).field(std::to_string(render::kRendererVersion));
  hasher.field(path).field(id_of(snapshot, path));
  for (const auto& [needed, unused] : outside) hasher.field(needed).field(id_of(snapshot, needed));
  return to_hex(hasher.finish());
}

std::string settings_key(const config::Application& app, const config::Destination& destination) {
  Hasher hasher;
  hasher.field("settings");
  for (const auto* globs : {&app.include, &app.exclude}) {
    hasher.field(std::to_string(globs->size()));
    for (const auto& glob : *globs) hasher.field(glob);
  }
  add_rendering(hasher, app);
  hasher.field(to_json(app.policy)).field(to_json(app.defaults));
  if (app.invalid != config::InvalidPolicy::refuse) hasher.field("skip what is invalid");
  hasher.field(destination.name.str()).field(destination.provider).field(to_json(destination.settings));
  return to_hex(hasher.finish());
}

std::string context_of(const std::string& render_context_digest, const source::Snapshot& snapshot,
                       const config::Application& app) {
  return render::renderer_of(snapshot, app) == render::Renderer::directory ? std::string()
                                                                           : render_context_digest;
}

std::string input_key(const std::string& source_key, const std::string& settings_key,
                      const std::string& context) {
  Hasher hasher;
  hasher.field("input").field(source_key).field(settings_key).field(context);
  return to_hex(hasher.finish());
}

bool is_input_key(const std::string& known, const std::string& source_key, const std::string& settings_key,
                  const std::string& render_context_digest) {
  return known == input_key(source_key, settings_key, {}) ||
         known == input_key(source_key, settings_key, render_context_digest);
}

std::string input_key_now(const std::string& known, const std::string& source_key,
                          const std::string& settings_key, const std::string& render_context_digest,
                          const source::Snapshot& snapshot, const config::Application& app) {
  if (is_input_key(known, source_key, settings_key, render_context_digest)) return known;
  return input_key(source_key, settings_key, context_of(render_context_digest, snapshot, app));
}

}  // namespace gitopsd::sync
