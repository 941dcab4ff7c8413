#include "providers/kubernetes/manifest.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/annotations.h"
#include "providers/kubernetes/propagation.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::Document;
using protocol::WireProblem;

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMadeName = 10;

class ManifestReader {
 public:
  ManifestReader(const Document& document, std::vector<WireProblem>& problems)
      : document_(document), problems_(problems) {}

  void refuse(std::string pointer, std::string message, std::string hint = {},
              ProblemCause cause = ProblemCause::input) {
    WireProblem problem;
    problem.code = cause == ProblemCause::permission ? "policy" : "manifest";
    problem.cause = cause;
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    problem.document = document_.digest;
    problem.pointer = std::move(pointer);
    problems_.push_back(std::move(problem));
    failed_ = true;
  }
  /// A definition among other documents may mend it, or somebody else may install one.
  void undefined(std::string pointer, std::string message, std::string hint) {
    refuse(std::move(pointer), std::move(message), std::move(hint), ProblemCause::destination);
    problems_.back().code = protocol::kUndefined;
  }
  bool failed() const { return failed_; }

  std::string text(const Value& in, const std::string& key, const std::string& pointer) {
    const Value* value = in.find(key);
    if (value == nullptr) return {};
    if (value->is_string()) return value->as_string();
    refuse(pointer, "`" + key + "` has to be a text, this is of type " + std::string(value->type_name()),
           "put it in quotes");
    return {};
  }

  /// Labels and annotations: the server refuses what is no text with an error that names no line.
  void check_texts(const Value& metadata, const std::string& name) {
    const Value* map = metadata.find(name);
    if (map == nullptr) return;
    const std::string at = "/metadata/" + name;
    if (!map->is_object()) return refuse(at, "`metadata." + name + "` has to be a mapping");
    for (const auto& [key, value] : map->as_object())
      if (!value.is_string() && !value.is_null())
        refuse(at + pointer_token(key),
               "`" + key + "` in " + name + " has to be a text, this is of type " +
                   std::string(value.type_name()),
               "put it in quotes");
  }

 private:
  const Document& document_;
  std::vector<WireProblem>& problems_;
  bool failed_ = false;
};

/// One of a comma-separated list, as Argo CD writes its sync options.
bool lists(const std::string& text, std::string_view wanted) {
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    auto item = std::string_view(text).substr(at, comma - at);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item == wanted) return true;
    at = comma + 1;
  }
  return false;
}

void read_defaults(const Value& defaults, protocol::Options& options) {
  const std::string prune = defaults.get_string("prune"), drift = defaults.get_string("drift"),
                    apply = defaults.get_string("apply");
  if (prune == "never") options.prune = protocol::Prune::never;
  if (prune == "confirm") options.prune = protocol::Prune::confirm;
  if (drift == "report") options.drift = protocol::Drift::report;
  if (drift == "ignore") options.drift = protocol::Drift::ignore;
  if (apply == "create-only") options.apply = protocol::ApplyMode::create_only;
  if (apply == "replace") options.apply = protocol::ApplyMode::replace;
}

/// Ours, then Argo CD's and Flux's for the same: a repository that came from there works unchanged.
void read_annotations(const Value& annotations, Manifest& manifest, ManifestReader& reader) {
  for (auto& fault : annotation_faults(annotations))
    reader.refuse("/metadata/annotations" + pointer_token(fault.key), std::move(fault.message),
                  std::move(fault.hint));
  const auto get = [&](const char* key) { return annotations.get_string(key); };
  const std::string argo = get("argocd.argoproj.io/sync-options"), ours = get("gitopsd.io/prune"),
                    ssa = get("kustomize.toolkit.fluxcd.io/ssa");
  protocol::Options& options = manifest.options;
  if (lists(argo, "Prune=false") || get("kustomize.toolkit.fluxcd.io/prune") == "disabled" ||
      get("helm.sh/resource-policy") == "keep")
    options.prune = protocol::Prune::never;
  if (lists(argo, "Prune=confirm") || lists(argo, "Delete=confirm")) options.prune = protocol::Prune::confirm;
  if (lists(argo, "Replace=true") || lists(argo, "Force=true") ||
      get("kustomize.toolkit.fluxcd.io/force") == "enabled")
    options.apply = protocol::ApplyMode::replace;
  if (ssa == "IfNotPresent") options.apply = protocol::ApplyMode::create_only;
  if (ours == "never" || ours == "confirm" || ours == "auto")
    options.prune = ours == "never"  ? protocol::Prune::never
                    : ours == "auto" ? protocol::Prune::automatic
                                     : protocol::Prune::confirm;
  if (const std::string apply = get("gitopsd.io/apply"); apply == "create-only")
    options.apply = protocol::ApplyMode::create_only;
  else if (apply == "replace")
    options.apply = protocol::ApplyMode::replace;
  if (const std::string drift = get("gitopsd.io/drift"); drift == "ignore")
    options.drift = protocol::Drift::ignore;
  else if (drift == "report")
    options.drift = protocol::Drift::report;
  if (const std::string word = get(kPropagation); !word.empty() && propagation_policy(word).empty())
    reader.refuse("/metadata/annotations" + pointer_token(kPropagation),
                  std::string("`") + kPropagation + "` is background, foreground or orphan");
  for (const char* key : {"argocd.argoproj.io/sync-wave", "gitopsd.io/sync-wave"}) {
    const std::string wave = get(key);
    if (wave.empty()) continue;
    const auto [end, error] = std::from_chars(wave.data(), wave.data() + wave.size(), manifest.wave);
    if (error != std::errc{} || end != wave.data() + wave.size())
      reader.refuse("/metadata/annotations" + pointer_token(key), "'" + wave + "' is no number of a wave");
  }
}

/// A hook's object comes and goes: it is put back by nobody, and may leave its name to us. That name stays
/// the same for the same document, so that one run clears away what the one before it left.
void read_as_hook(const Value& metadata, Manifest& manifest, ManifestReader& reader) {
  const Value* annotations = metadata.find("annotations");
  if (!annotations || !annotations->is_object()) return;
  manifest.hook = read_hook(*annotations, [&](const auto& annotation, const auto& message, const auto& hint) {
    reader.refuse("/metadata/annotations" + pointer_token(annotation), message, hint);
  });
  if (!manifest.hook.any() && !manifest.hook.left_out) return;
  manifest.wave = manifest.hook.weight;
  const std::string prefix = reader.text(metadata, "generateName", "/metadata/generateName");
  if (!manifest.id.name.empty() || prefix.empty()) return;
  manifest.id.name = prefix + to_hex(sha256(manifest.document)).substr(0, kMadeName);
  Value& own = manifest.object.as_object().at("metadata");
  own.as_object().erase("generateName");
  own.set("name", manifest.id.name);
}

/// A key that leaves `stringData` would stay in `data`, and what is owned would not show it.
void fold_string_data(Value& object, ManifestReader& reader) {
  const Value* texts = object.find("stringData");
  if (texts == nullptr) return;
  if (!texts->is_object()) return reader.refuse("/stringData", "`stringData` has to be a mapping of texts");
  Value data = object.find("data") ? *object.find("data") : Value::object();
  if (!data.is_object()) return reader.refuse("/data", "`data` has to be a mapping of base64 texts");
  for (const auto& [key, value] : texts->as_object()) {
    if (value.is_string())
      data.set(key, to_base64(value.as_string()));
    else
      reader.refuse("/stringData" + pointer_token(key), "`" + key + "` has to be a text", "put it in quotes");
  }
  object.as_object().erase("stringData");
  object.set("data", std::move(data));
}

/// As Go reads it: over several lines, too.
bool is_base64(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  return from_base64(text).has_value();
}

/// The server says only that a byte of some value is wrong. What is no text it names itself.
void check_base64(const Value& object, const char* member, ManifestReader& reader) {
  const Value* data = object.find(member);
  if (!data || !data->is_object()) return;
  for (const auto& [key, value] : data->as_object())
    if (value.is_string() && !is_base64(value.as_string()))
      reader.refuse(std::string("/") + member + pointer_token(key),
                    "`" + key + "` in `" + member + "` is no base64",
                    member == std::string_view("data") ? "write what it means under `stringData`" : "");
}

/// What SOPS writes beside the values that it encrypted.
bool is_encrypted(const Value& object) {
  const Value* sops = object.find("sops");
  return sops && sops->is_object() && (sops->find("mac") || sops->find("version"));
}

/// What the server sets or keeps by itself, and what makes it write again although nothing changed.
void drop_what_is_the_servers(Value& object, const GroupKind& type) {
  object.as_object().erase("status");
  Value& metadata = object.as_object().at("metadata");
  for (const char* key : {"creationTimestamp", "managedFields", "resourceVersion", "uid", "generation",
                          "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"})
    metadata.as_object().erase(key);
  // {} and nothing are the same and immutable, and the server takes them for a change.
  const Value* parameters = object.find("parameters");
  if (type == GroupKind{"storage.k8s.io", "StorageClass"} && parameters != nullptr &&
      parameters->is_object() && parameters->as_object().empty())
    object.as_object().erase("parameters");
  // A controller of the server's own gathers them from other roles.
  if (type == GroupKind{"rbac.authorization.k8s.io", "ClusterRole"} && object.find("aggregationRule") &&
      !object.find("aggregationRule")->is_null())
    object.as_object().erase("rules");
}

/// Kubernetes' own kinds have moved from group to group; and two names of one domain are alike without
/// meaning the same.
std::string hint_for_unknown(const GroupKind& type, const Kinds& server) {
  std::vector<std::string> moved;
  for (const auto& name : server.names()) {
    const bool own = name.find('.') == name.rfind('.') || name.ends_with(".k8s.io");
    if (own && name.substr(0, name.find('.')) == type.kind) moved.push_back(name);
  }
  if (moved.size() == 1 && moved[0] != type.kind) {
    const std::string group = moved[0].substr(type.kind.size() + 1);
    return "the cluster has it as apiVersion " + group + "/" +
           server.find({group, type.kind})->versions.front();
  }
  const auto near = did_you_mean(type.str(), server.names());
  if (near.empty() || did_you_mean(type.kind, {near.substr(0, near.find('.'))}).empty())
    return "install its CustomResourceDefinition first, or declare it beside";
  return "did you mean " + near + "?";
}

void find_kind(Manifest& manifest, const Kinds& server, const Kinds& defined, ManifestReader& reader) {
  const GroupKind& type = manifest.id.type;
  const KindInfo* kind = server.find(type);
  const KindInfo* soon = defined.find(type);
  const auto has_version = [&](const KindInfo* info) { return info && info->serves(manifest.version); };
  if (has_version(kind)) {
    manifest.known = true;
    manifest.kind = *kind;
  } else if (has_version(soon)) {
    manifest.kind = *soon;
  } else if (kind) {
    std::string versions;
    for (const auto& version : kind->versions) versions += (versions.empty() ? "" : ", ") + version;
    reader.undefined("/apiVersion",
                     "the cluster does not serve " + type.str() + " in version " + manifest.version,
                     "it serves " + versions + ": write apiVersion " +
                         (type.group.empty() ? "" : type.group + "/") + kind->versions.front());
  } else {
    reader.undefined("/kind", "the cluster has no kind " + type.str(), hint_for_unknown(type, server));
  }
}

}  // namespace

std::optional<Manifest> read_manifest(const Document& document, const Value& defaults, const Policy& policy,
                                      const Kinds& server, const Kinds& defined,
                                      std::vector<WireProblem>& problems) {
  ManifestReader reader(document, problems);
  Manifest manifest;
  manifest.document = document.digest;
  manifest.object = document.json;
  if (!manifest.object.is_object()) return reader.refuse("", "a manifest is a mapping"), std::nullopt;
  if (is_encrypted(document.json))
    return reader.refuse("/sops", "it is encrypted with SOPS, which is not decrypted here",
                         "commit what the cluster decrypts, such as a SealedSecret or an ExternalSecret"),
           std::nullopt;
  const auto api = ApiVersion::parse(reader.text(document.json, "apiVersion", "/apiVersion"));
  manifest.version = api.version;
  manifest.id.type = {api.group, reader.text(document.json, "kind", "/kind")};
  const Value* metadata = document.json.find("metadata");
  if (!metadata || !metadata->is_object())
    return reader.refuse("", manifest.id.type.str() + " has no metadata", "give it a metadata.name"),
           std::nullopt;
  manifest.id.name = reader.text(*metadata, "name", "/metadata/name");
  manifest.id.space = reader.text(*metadata, "namespace", "/metadata/namespace");
  reader.check_texts(*metadata, "annotations");
  reader.check_texts(*metadata, "labels");
  if (!defaults.is_null()) read_defaults(defaults, manifest.options);
  read_as_hook(*metadata, manifest, reader);
  if (const Value* annotations = metadata->find("annotations"); annotations && annotations->is_object())
    read_annotations(*annotations, manifest, reader);
  const Value* name = metadata->find("name");
  if (manifest.id.name.empty() && (!name || name->is_null() || name->is_string()))
    reader.refuse(
        "/metadata", manifest.id.type.str() + " has no metadata.name",
        metadata->find("generateName") ? "`generateName` makes another object at each sync: name it" : "");
  if (manifest.id.name.size() > kMaxName || manifest.id.name.find('/') != std::string::npos)
    reader.refuse("/metadata/name", "'" + manifest.id.name.substr(0, 80) + "' is no name of an object");
  if (reader.failed()) return std::nullopt;

  find_kind(manifest, server, defined, reader);
  if (reader.failed()) return std::nullopt;
  if (!manifest.kind.namespaced) {
    manifest.id.space.clear();
    manifest.object.as_object().at("metadata").as_object().erase("namespace");
  } else if (manifest.id.space.empty()) {
    manifest.id.space = policy.default_namespace();
    if (manifest.id.space.empty())
      reader.refuse("/metadata", manifest.id.str() + " has no namespace",
                    "write metadata.namespace, or name one in `namespaces` of the application's policy");
  }
  if (reader.failed()) return std::nullopt;
  if (manifest.kind.namespaced)
    manifest.object.as_object().at("metadata").set("namespace", manifest.id.space);
  if (const auto breach = policy.breach(manifest.id, manifest.kind.namespaced))
    reader.refuse(breach->pointer, breach->message, breach->hint, ProblemCause::permission);

  if (manifest.hook.any() || policy.ignored(manifest.id).whole)
    manifest.options.drift = protocol::Drift::ignore;
  if (manifest.secret()) check_base64(manifest.object, "data", reader);
  if (manifest.id.type == GroupKind{"", "ConfigMap"}) check_base64(manifest.object, "binaryData", reader);
  if (manifest.secret()) fold_string_data(manifest.object, reader);
  drop_what_is_the_servers(manifest.object, manifest.id.type);
  if (reader.failed()) return std::nullopt;
  return manifest;
}

std::optional<Id> id_meant(const Value& json, const Policy& policy, const Kinds& server,
                           const Kinds& defined) {
  const auto word = [](const Value& object, std::string_view key) {
    const Value* text = object.find(key);
    return text && text->is_string() ? text->as_string() : std::string();
  };
  const Value* metadata = json.is_object() ? json.find("metadata") : nullptr;
  if (!metadata || !metadata->is_object()) return std::nullopt;
  Id id{{ApiVersion::parse(word(json, "apiVersion")).group, word(json, "kind")},
        word(*metadata, "namespace"),
        word(*metadata, "name")};
  const KindInfo* kind = server.find(id.type) ? server.find(id.type) : defined.find(id.type);
  if (!kind) return std::nullopt;
  if (!kind->namespaced) id.space.clear();
  if (kind->namespaced && id.space.empty()) id.space = policy.default_namespace();
  const bool whole =
      !id.name.empty() && (!kind->namespaced || !id.space.empty()) && Id::parse(id.str()) == id;
  return whole ? std::optional(id) : std::nullopt;
}

std::string tracking_id(const protocol::Owner& owner, const Id& id) {
  return owner.installation + "/" + owner.application + "/" + id.str();
}

std::optional<protocol::Owner> owner_of(const Value& live, const Id& id) {
  const Value* metadata = live.find("metadata");
  const Value* annotations = metadata ? metadata->find("annotations") : nullptr;
  const Value* tracking = annotations ? annotations->find(kTracking) : nullptr;
  if (!tracking || !tracking->is_string()) return std::nullopt;
  const std::string& text = tracking->as_string();
  const auto first = text.find('/');
  const auto second = first == text.npos ? first : text.find('/', first + 1);
  if (second == text.npos || text.substr(second + 1) != id.str()) return std::nullopt;
  return protocol::Owner{text.substr(0, first), text.substr(first + 1, second - first - 1)};
}

namespace {

/// The code unit of what has to be escaped at the text's begin, and its bytes; 0 bytes where nothing has to.
/// The server reads an apply as YAML 1.1: line breaks of Unicode would be folded, the others refused.
std::pair<unsigned, std::size_t> yaml_special(std::string_view text) {
  const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U; };
  if (byte(0) == 0x7f) return {0x7f, 1};
  if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f) return {byte(1), 2};
  if (byte(0) == 0xe2 && byte(1) == 0x80 && (byte(2) == 0xa8 || byte(2) == 0xa9))
    return {0x2000 | (byte(2) & 0x3f), 3};
  if (byte(0) == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe) return {0xff00 | byte(2) | 0x40, 3};
  return {0, 0};
}

std::string escaped_for_yaml(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size();) {
    const auto [unit, size] = yaml_special(std::string_view(json).substr(i));
    if (size == 0) {
      out += json[i++];
      continue;
    }
    out += "\\u" + to_hex(std::array<std::uint8_t, 2>{static_cast<std::uint8_t>(unit >> 8),
                                                      static_cast<std::uint8_t>(unit & 0xff)});
    i += size;
  }
  return out;
}

}  // namespace

std::string apply_body(const Manifest& manifest, const protocol::Owner& owner,
                       const std::string& resource_version) {
  Value object = manifest.object;
  Value& metadata = object.as_object().at("metadata");
  for (const char* key : {"labels", "annotations"})
    if (!metadata.find(key)) metadata.set(key, Value::object());
  metadata.as_object().at("labels").set(kInstallation, owner.installation);
  metadata.as_object().at("annotations").set(kTracking, tracking_id(owner, manifest.id));
  if (!resource_version.empty()) metadata.set("resourceVersion", resource_version);
  return escaped_for_yaml(to_json(object));
}

}  // namespace gitopsd::kubernetes
