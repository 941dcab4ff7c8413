#include "daemon/render/apart.h"

#include <algorithm>
#include <set>

#include "base/yaml.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {
namespace {

/// Others name these by their name alone, and so a patch that keeps the name changes no reference. (Of a
/// ServiceAccount or a Service that a JSON patch touched kustomize writes the namespace into references.)
const std::set<std::string, std::less<>> kNamedAlone = {"Deployment", "StatefulSet", "DaemonSet"};

/// `[{op, path, value}]`, as kustomize takes it for every kind.
bool keeps_names(const Value& operations, const Value& patch) {
  const Value* target = patch.find("target");
  if (!target || !target->is_object() || !kNamedAlone.contains(target->get_string("kind"))) return false;
  const auto& all = operations.as_array();
  return std::all_of(all.begin(), all.end(), [](const Value& operation) {
    if (!operation.is_object() || operation.find("from")) return false;
    const std::string path = operation.get_string("path");
    return path.starts_with("/spec/") || path.starts_with("/metadata/labels/") ||
           path.starts_with("/metadata/annotations/");
  });
}

bool patch_keeps_names(const source::Snapshot& snapshot, const std::string& folder, const Value& patch) {
  if (!patch.is_object() || patch.find("options")) return false;
  std::string text = patch.get_string("patch");
  if (const std::string file = patch.get_string("path"); !file.empty()) {
    const auto path = path_from(folder, file);
    const auto entry = path ? snapshot.entry(*path) : std::nullopt;
    if (!entry || !text.empty()) return false;
    text = snapshot.read(entry->id, entry->path, Limits{}.file_bytes);
  }
  const auto documents = parse_yaml(text, folder);
  if (documents.size() == 1 && documents.front().is_array()) return keeps_names(documents.front(), patch);
  return !documents.empty() &&
         std::all_of(documents.begin(), documents.end(), [](const Value& each) { return each.is_object(); });
}

}  // namespace

bool changes_nothing_else(const source::Snapshot& snapshot, const std::string& folder, std::string_view key,
                          const Value& member) {
  static const std::set<std::string, std::less<>> harmless = {"resources",
                                                              "bases",
                                                              "components",
                                                              "metadata",
                                                              "labels",
                                                              "commonLabels",
                                                              "images",
                                                              "replicas",
                                                              "helmCharts",
                                                              "helmGlobals",
                                                              "patchesStrategicMerge",
                                                              "commonAnnotations",
                                                              "kind",
                                                              "apiVersion",
                                                              "generatorOptions"};
  if (harmless.contains(key)) return true;
  if (key != "patches" && key != "patchesJson6902") return false;
  if (!member.is_array()) return false;
  try {
    const auto& all = member.as_array();
    return std::all_of(all.begin(), all.end(),
                       [&](const Value& patch) { return patch_keeps_names(snapshot, folder, patch); });
  } catch (const Failure&) {
    return false;  // kustomize says what is wrong with it
  }
}

}  // namespace gitopsd::render
