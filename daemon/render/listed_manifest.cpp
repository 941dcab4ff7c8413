// Manifests that a kustomization lists, read as kustomize would print them.
#include <algorithm>

#include "base/yaml.h"
#include "daemon/render/kustomization.h"
#include "daemon/render/place.h"

namespace gitopsd::render {
namespace {

/// Kept for kustomize's own notes, and for those of the tools around it.
constexpr std::string_view kReserved[] = {"internal.config.kubernetes.io/", "config.kubernetes.io/",
                                          "config.k8s.io/", "alpha.config.kubernetes.io/",
                                          "kustomize.config.k8s.io/"};
constexpr std::string_view kLocal = "config.kubernetes.io/local-config";

/// kustomize passes over documents that hold nothing.
bool holds_nothing(const Value& json) {
  return json.is_null() || (json.is_object() && json.as_object().empty()) ||
         (json.is_array() && json.as_array().empty());
}

/// A list that is not made of documents: what kustomize makes of each such case is its own.
bool is_odd_list(const Value& json) {
  if (!json.is_object()) return false;
  const Value* kind = json.find("kind");
  const auto items = json.as_object().find("items");
  if (!kind || !kind->is_string() || !kind->as_string().ends_with("List") || items == json.as_object().end())
    return false;
  if (!items->second.is_array() || !json.find("apiVersion")) return true;
  const auto& all = items->second.as_array();
  return std::any_of(all.begin(), all.end(), [](const Value& item) {
    return !item.is_object() || !item.find("kind") || !item.find("apiVersion") || is_odd_list(item);
  });
}

bool has_name(const Document& document) {
  const Value* name = document.json.at_pointer("/metadata/name");
  return name && name->is_string() && !name->as_string().empty();
}

/// kustomize turns them into texts, leaves them out where there are none, and takes its own as orders.
bool keeps_annotations(const Document& document) {
  const Value* metadata = document.json.find("metadata");
  const Value* annotations = metadata ? metadata->find("annotations") : nullptr;
  if (!annotations) return true;
  if (!annotations->is_object() || annotations->as_object().empty()) return false;
  return std::all_of(annotations->as_object().begin(), annotations->as_object().end(),
                     [](const auto& annotation) {
                       const std::string& key = annotation.first;
                       if (!annotation.second.is_string()) return false;
                       return key == kLocal ||
                              std::none_of(std::begin(kReserved), std::end(kReserved),
                                           [&](std::string_view prefix) { return key.starts_with(prefix); });
                     });
}

/// Without kustomize these are refused: text behind the line that separates documents.
bool has_text_behind_separator(std::string_view text) {
  for (std::size_t at = text.find("---"); at != text.npos; at = text.find("---", at + 3)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    const auto behind = text.find_first_not_of(" \t", at + 3);
    if (behind != text.npos && behind > at + 3 && text[behind] != '\n' && text[behind] != '#') return true;
  }
  return false;
}

/// JSON objects behind each other: kustomize reads the first.
bool has_several_in_a_row(std::string_view text, std::size_t documents) {
  std::size_t most = 1;
  for (std::size_t at = text.find("---"); at != text.npos; at = text.find("---", at + 3))
    if (at == 0 || text[at - 1] == '\n') ++most;
  return documents > most;
}

}  // namespace

std::optional<std::vector<Document>> read_listed_manifest(const source::Snapshot& snapshot,
                                                          const source::TreeEntry& entry,
                                                          const Limits& limits) {
  if (entry.kind != source::EntryKind::file && entry.kind != source::EntryKind::executable)
    return read_manifest(snapshot, entry, limits);
  const std::string where = place(snapshot.commit(), entry.path);
  const std::string text = snapshot.read(entry.id, entry.path, limits.file_bytes);
  YamlNotes notes;
  YamlLimits yaml;
  yaml.bytes = limits.file_bytes;
  std::vector<Value> values;
  try {
    values = parse_yaml(text, where, yaml, &notes);  // also what is called .json
  } catch (const Failure&) {
    if (has_text_behind_separator(text)) return std::nullopt;
    throw;
  }
  if (has_several_in_a_row(text, values.size())) return std::nullopt;
  std::erase_if(values, holds_nothing);
  if (notes.read_otherwise || std::any_of(values.begin(), values.end(), is_odd_list)) return std::nullopt;
  auto documents = take_documents(std::move(values), entry, where);
  if (!std::all_of(documents.begin(), documents.end(), keeps_annotations)) return std::nullopt;
  std::erase_if(documents, [](const Document& document) {
    const Value* local = document.json.at_pointer("/metadata/annotations/config.kubernetes.io~1local-config");
    return local && local->as_string() != "false";
  });
  if (!std::all_of(documents.begin(), documents.end(), has_name)) return std::nullopt;
  return documents;
}

}  // namespace gitopsd::render
