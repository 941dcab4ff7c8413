#include "base/json.h"
#include "base/yaml.h"
#include "daemon/render/kustomization.h"
#include "daemon/render/place.h"
#include "daemon/render/render.h"

namespace gitopsd::render {
namespace {

std::vector<Value> parse(std::string_view path, std::string_view text, const std::string& place,
                         const Limits& limits, YamlNotes* notes) {
  if (path.ends_with(".json")) {
    std::vector<Value> one;
    one.push_back(parse_json(text, place));
    return one;
  }
  YamlLimits yaml;
  yaml.bytes = limits.file_bytes;
  return parse_yaml(text, place, yaml, notes);
}

/// As which the AWS provider knows it.
const std::pair<std::string, std::string> kDeploymentFile{"aws.gitopsd.io/v1", "DeploymentFile"};

/// Takes the documents of one file apart and keeps what is wrong with each of them.
class Collector {
 public:
  Collector(const source::TreeEntry& entry, std::string place) : entry_(entry), place_(std::move(place)) {}

  void add(Value json) {
    if (!json.is_object()) {
      return refuse(json.position,
                    "a document has to be a mapping, this one is of type " + std::string(json.type_name()));
    }
    if (is_deployment_file(json)) type_as(json, json.position, kDeploymentFile);
    const bool has_version = names(json, "apiVersion"), has_kind = names(json, "kind");
    if (!has_version || !has_kind) return;
    if (Value* items = list_items(json)) {
      for (auto& item : items->as_array()) {
        type_as_listed(item, json);
        add(std::move(item));
      }
      return;
    }
    documents_.push_back({entry_.path, entry_.id, static_cast<int>(documents_.size()), std::move(json)});
  }

  std::vector<Document> take(std::vector<Document>* readable) {
    if (problems_.empty()) return std::move(documents_);
    if (readable) *readable = std::move(documents_);
    throw Failure(std::move(problems_));
  }

 private:
  void refuse(Position at, std::string message) {
    problems_.push_back({ProblemCause::input, std::move(message),
                         "exclude the file from the application where it declares no resources", place_, at});
  }

  bool names(const Value& json, std::string_view key) {
    const Value* word = json.find(key);
    if (!word) {
      refuse(json.position, "the document has no " + std::string(key));
      return false;
    }
    if (word->is_string() && !word->as_string().empty()) return true;
    refuse(word->position, std::string(key) + " has to be a text that is not empty");
    return false;
  }

  /// Of CloudFormation's Git sync, whose files say by one member what they are.
  static bool is_deployment_file(const Value& json) {
    return json.find("template-file-path") && !json.find("apiVersion") && !json.find("kind");
  }

  /// `kind: List`, and what else has a name like it and items, is a way to write several documents as one.
  static Value* list_items(Value& json) {
    if (!json.find("kind")->as_string().ends_with("List")) return nullptr;
    const auto items = json.as_object().find("items");
    return items != json.as_object().end() && items->second.is_array() ? &items->second : nullptr;
  }

  /// Items of a list of one kind need not say it again: kubectl takes it from the list.
  static void type_as_listed(Value& item, const Value& list) {
    const std::string& kind = list.find("kind")->as_string();
    if (kind == "List" || !item.is_object() || (item.find("kind") && item.find("apiVersion"))) return;
    type_as(item, item.position, {list.find("apiVersion")->as_string(), kind.substr(0, kind.size() - 4)});
  }

  static void type_as(Value& json, Position at, const std::pair<std::string, std::string>& type) {
    for (const auto& [key, text] : {std::pair{"apiVersion", type.first}, std::pair{"kind", type.second}}) {
      Value value(text);
      value.position = at;
      json.set(key, std::move(value));
    }
  }

  const source::TreeEntry& entry_;
  const std::string place_;
  std::vector<Document> documents_;
  std::vector<Problem> problems_;
};

}  // namespace

namespace {

/// kustomize's own files, which no destination has a kind for.
void refuse_kustomization(const std::vector<Value>& values, const std::string& path,
                          const std::string& place) {
  const auto slash = path.rfind('/');
  const bool named = is_kustomization_name(std::string_view(path).substr(slash == path.npos ? 0 : slash + 1));
  for (const auto& value : values) {
    if (!value.is_object()) continue;
    const Value* version = value.find("apiVersion");
    const bool is_one =
        version ? version->is_string() && version->as_string().starts_with("kustomize.config.k8s.io/")
                : named && !value.find("kind");
    if (is_one)
      throw Failure(
          Problem{ProblemCause::input, "a kustomization is no manifest",
                  "without include in the application its folder is built; exclude leaves the file out",
                  place, value.position});
  }
}

}  // namespace

namespace {

/// Of what stands before what is wrong.
std::vector<Document> readable_of(std::vector<Value> values, const source::TreeEntry& file,
                                  const std::string& place) {
  std::vector<Document> readable;
  try {
    return take_documents(std::move(values), file, place, &readable);
  } catch (const Failure&) {
    return readable;
  }
}

}  // namespace

std::vector<Document> take_documents(std::vector<Value> values, const source::TreeEntry& file,
                                     const std::string& place, std::vector<Document>* readable) {
  Collector collector(file, place);
  for (auto& json : values) collector.add(std::move(json));
  return collector.take(readable);
}

std::vector<Document> read_manifest(const source::Snapshot& snapshot, const source::TreeEntry& entry,
                                    const Limits& limits, YamlNotes* notes, std::vector<Document>* readable) {
  const std::string where = place(snapshot.commit(), entry.path);
  // Where a manifest was, a folder may stand now: it declares nothing by itself.
  if (entry.kind == source::EntryKind::directory) return {};
  if (entry.kind == source::EntryKind::symlink || entry.kind == source::EntryKind::submodule) {
    const bool link = entry.kind == source::EntryKind::symlink;
    throw Failure(Problem{ProblemCause::input,
                          link ? "a symbolic link is not followed" : "a submodule is not fetched",
                          "put the file itself there, or exclude it from the application",
                          where,
                          {}});
  }
  YamlNotes own;
  YamlNotes& noted = notes ? *notes : own;
  std::vector<Value> values;
  try {
    values = parse(entry.path, snapshot.read(entry.id, entry.path, limits.file_bytes), where, limits, &noted);
  } catch (const Failure&) {
    if (readable) *readable = readable_of(std::move(noted.before), entry, where);
    throw;
  }
  refuse_kustomization(values, entry.path, where);
  return take_documents(std::move(values), entry, where, readable);
}

}  // namespace gitopsd::render
