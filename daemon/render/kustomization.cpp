#include "daemon/render/kustomization.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/yaml.h"
#include "daemon/render/apart.h"
#include "daemon/render/bases.h"
#include "daemon/render/chart_reference.h"
#include "daemon/render/place.h"
#include "daemon/render/remote_reference.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {
namespace {

using source::EntryKind;

constexpr std::array<std::string_view, 3> kNames = {"kustomization.yaml", "kustomization.yml",
                                                    "Kustomization"};

// How a member of a kustomization names files.
enum class Names { nothing, files, folders_or_files, patch_files, patches, generators, one_file, unknown };

Names names_of(std::string_view key) {
  static const std::map<std::string_view, Names> known = {
      {"metadata", Names::nothing},
      {"namespace", Names::nothing},
      {"namePrefix", Names::nothing},
      {"nameSuffix", Names::nothing},
      {"commonLabels", Names::nothing},
      {"commonAnnotations", Names::nothing},
      {"labels", Names::nothing},
      {"images", Names::nothing},
      {"replicas", Names::nothing},
      {"vars", Names::nothing},
      {"generatorOptions", Names::nothing},
      {"sortOptions", Names::nothing},
      {"buildMetadata", Names::nothing},
      {"helmCharts", Names::nothing},  // chart_references() reads both
      {"helmGlobals", Names::nothing},
      {"bases", Names::folders_or_files},
      {"components", Names::folders_or_files},
      {"crds", Names::files},
      {"configurations", Names::files},
      {"patchesStrategicMerge", Names::patch_files},
      {"patches", Names::patches},
      {"patchesJson6902", Names::patches},
      {"replacements", Names::patches},
      {"openapi", Names::one_file},
      {"configMapGenerator", Names::generators},
      {"secretGenerator", Names::generators},
  };
  const auto found = known.find(key);
  return found == known.end() ? Names::unknown : found->second;
}

bool is_file(const source::TreeEntry& entry) {
  return entry.kind == EntryKind::file || entry.kind == EntryKind::executable;
}

std::string_view name_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return std::string_view(path).substr(slash == path.npos ? 0 : slash + 1);
}

constexpr std::size_t kDeepest = 100;  // bases of bases; a repository must not exhaust the stack

class Deeper {
 public:
  Deeper(std::vector<std::string>& folders, const std::string& folder) : folders_(folders) {
    folders_.push_back(folder);
  }
  ~Deeper() { folders_.pop_back(); }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  std::vector<std::string>& folders_;
};

class Follower {
 public:
  Follower(const source::Snapshot& snapshot, const Limits& limits) : snapshot_(snapshot), limits_(limits) {}

  void visit(const std::string& folder) {
    // Twice the same base, or a circle: kustomize says what it thinks of it.
    if (!folders_.insert(folder).second) return no_longer_apart();
    if (on_the_way_.size() == kDeepest) return no_longer_closed();
    // A base that holds one of those that lead to it: a circle to kustomize, whatever it lists.
    if (std::any_of(on_the_way_.begin(), on_the_way_.end(),
                    [&](const std::string& from) { return is_within(folder, from); }))
      no_longer_apart();
    const Deeper deeper(on_the_way_, folder);
    listing_.reads.insert(folder);
    const auto file = kustomization_of(folder);
    if (!file) return;
    listing_.kustomizations.insert(file->path);
    const auto json = parse(*file);
    if (!json) return;
    for (const auto& [key, member] : json->as_object()) read_member(folder, *file, key, member);
    read_charts(folder, *file, *json);
    const Value* resources = json->find("resources");
    if (!resources || !resources->is_array() || resources->as_array().empty()) no_longer_plain();
  }

  /// As `visit`, with a kustomization that lists what was found below the folder.
  void visit_generated(const std::string& folder, const Found& found) {
    folders_.insert(folder);
    const Deeper deeper(on_the_way_, folder);
    listing_.reads.insert(folder);
    listing_.generated.emplace();
    for (const auto& entry : found.manifests) {
      listing_.generated->push_back(entry.path);
      add_resource_file(entry, true);
    }
    for (const auto& base : found.bases) {
      listing_.generated->push_back(base);
      visit(base);
    }
  }

  bool apart() const { return apart_ && listing_.closed; }

  Listing take() {
    if (!problems_.empty()) throw Failure(std::move(problems_));
    if (!listing_.plain) listing_.manifests.clear();
    if (!listing_.closed) listing_.reads = {""};
    drop_nested(listing_.reads);
    return std::move(listing_);
  }

 private:
  void no_longer_plain() { listing_.plain = false; }
  void no_longer_apart() { listing_.plain = apart_ = false; }
  void no_longer_closed() { listing_.plain = listing_.closed = false; }

  std::optional<source::TreeEntry> kustomization_of(const std::string& folder) {
    std::vector<source::TreeEntry> found;
    for (const auto name : kNames)
      if (auto entry = snapshot_.entry(join_path(folder, std::string(name)))) found.push_back(*entry);
    if (found.size() != 1) {
      no_longer_plain();
      return std::nullopt;
    }
    if (is_file(found.front())) return found.front();
    no_longer_closed();
    return std::nullopt;
  }

  std::optional<Value> parse(const source::TreeEntry& file) {
    try {
      auto documents = parse_yaml(snapshot_.read(file.id, file.path, limits_.file_bytes),
                                  place(snapshot_.commit(), file.path));
      if (documents.size() == 1 && documents.front().is_object()) return std::move(documents.front());
    } catch (const BaseRefused&) {
      throw;
    } catch (const Failure& failure) {
      if (failure.cause() != ProblemCause::input) throw;
    }
    no_longer_closed();  // kustomize may still make sense of it
    return std::nullopt;
  }

  void read_charts(const std::string& folder, const source::TreeEntry& file, const Value& json) {
    if (!json.find("helmCharts")) return;
    auto found = chart_references(snapshot_, folder, file, json);
    listing_.charts = true;
    listing_.chart_folders.insert(listing_.chart_folders.end(), found.charts.begin(), found.charts.end());
    listing_.reads.insert(found.reads.begin(), found.reads.end());
    if (!found.closed) no_longer_closed();
    problems_.insert(problems_.end(), found.problems.begin(), found.problems.end());
  }

  void read_member(const std::string& folder, const source::TreeEntry& file, const std::string& key,
                   const Value& member) {
    if (key == "resources")
      return each_text(member, [&](const Value& text) { add_resource(folder, file, text, true); });
    if (key == "apiVersion" && is_text(member, "kustomize.config.k8s.io/v1beta1")) return;
    if (key == "kind" && is_text(member, "Kustomization")) return;
    no_longer_plain();
    if (key == "apiVersion" || key == "kind" || member.is_null()) return;
    if (!changes_nothing_else(snapshot_, folder, key, member)) no_longer_apart();
    switch (names_of(key)) {
      case Names::nothing:
        return;
      case Names::unknown:
        return no_longer_closed();
      case Names::folders_or_files:
        return each_text(member, [&](const Value& text) { add_resource(folder, file, text, false); });
      case Names::files:
        return each_text(member, [&](const Value& text) { add_file(folder, text.as_string()); });
      case Names::patch_files:
        return each_text(member, [&](const Value& text) {
          if (text.as_string().find('\n') == std::string::npos) add_file(folder, text.as_string());
        });
      case Names::patches:
        return each_object(member, [&](const Value& patch) { add_path(folder, patch); });
      case Names::one_file:
        return add_path(folder, member);
      case Names::generators:
        return each_object(member, [&](const Value& generator) { add_generator(folder, generator); });
    }
  }

  static bool is_text(const Value& value, std::string_view text) {
    return value.is_string() && value.as_string() == text;
  }

  template <class Use>
  void each_text(const Value& list, const Use& use) {
    if (!list.is_array()) return no_longer_closed();
    for (const auto& item : list.as_array()) {
      if (item.is_string())
        use(item);
      else
        no_longer_closed();
    }
  }

  template <class Use>
  void each_object(const Value& list, const Use& use) {
    if (!list.is_array()) return no_longer_closed();
    for (const auto& item : list.as_array()) {
      if (item.is_object())
        use(item);
      else
        no_longer_closed();
    }
  }

  void add_resource(const std::string& folder, const source::TreeEntry& file, const Value& text,
                    bool may_be_plain) {
    const std::string& reference = text.as_string();
    const auto path = reference.starts_with('/') ? std::nullopt : path_from(folder, reference);
    const auto entry = path ? snapshot_.entry(*path) : std::nullopt;
    if (!entry) {
      if (const auto remote = remote_reference(reference)) return refuse_remote(file, text, *remote);
      return no_longer_closed();
    }
    if (entry->kind == EntryKind::directory) return visit(*path);
    add_resource_file(*entry, may_be_plain);
  }

  void add_resource_file(const source::TreeEntry& entry, bool may_be_plain) {
    if (!is_file(entry)) return no_longer_closed();
    listing_.reads.insert(entry.path);
    if (!files_.insert(entry.path).second) return no_longer_apart();
    if (!may_be_plain || is_kustomization_name(name_of(entry.path))) return no_longer_plain();
    listing_.manifests.push_back(entry);
  }

  void add_file(const std::string& folder, const std::string& reference) {
    const auto path = reference.starts_with('/') ? std::nullopt : path_from(folder, reference);
    const auto entry = path ? snapshot_.entry(*path) : std::nullopt;
    if (!entry || !is_file(*entry)) return no_longer_closed();
    listing_.reads.insert(*path);
  }

  void add_path(const std::string& folder, const Value& object) {
    const Value* path = object.find("path");
    if (!path) return;
    if (path->is_string())
      add_file(folder, path->as_string());
    else
      no_longer_closed();
  }

  void add_generator(const std::string& folder, const Value& generator) {
    const auto without_key = [](const std::string& text) {
      const auto equals = text.find('=');
      return equals == text.npos ? text : text.substr(equals + 1);
    };
    if (const Value* files = generator.find("files"))
      each_text(*files, [&](const Value& text) { add_file(folder, without_key(text.as_string())); });
    if (const Value* files = generator.find("envs"))
      each_text(*files, [&](const Value& text) { add_file(folder, text.as_string()); });
    if (const Value* one = generator.find("env")) {
      if (one->is_string())
        add_file(folder, one->as_string());
      else
        no_longer_closed();
    }
  }

  void refuse_remote(const source::TreeEntry& file, const Value& text, const RemoteReference& remote) {
    problems_.push_back({ProblemCause::input,
                         "\"" + text.as_string() + "\" is not in this repository" +
                             (remote.host.empty() ? "" : " but on " + remote.host) +
                             ", and renderers reach no network",
                         "list that repository in `bases` of the application, or " + vendor_hint(remote),
                         place(snapshot_.commit(), file.path), text.position});
  }

  static void drop_nested(std::set<std::string>& paths) {
    std::erase_if(paths, [&](const std::string& path) {
      if (path.empty()) return false;
      if (paths.contains("")) return true;
      for (auto slash = path.rfind('/'); slash != path.npos && slash > 0; slash = path.rfind('/', slash - 1))
        if (paths.contains(path.substr(0, slash))) return true;
      return false;
    });
  }

  const source::Snapshot& snapshot_;
  const Limits& limits_;
  Listing listing_;
  std::vector<std::string> on_the_way_;  ///< the folders that lead to the one that is visited
  std::set<std::string> folders_, files_;
  std::vector<Problem> problems_;
  bool apart_ = true;  ///< no folder or file is listed twice, and no kustomization changes more than its own
};

}  // namespace

bool is_kustomization_name(std::string_view file_name) {
  return std::find(kNames.begin(), kNames.end(), file_name) != kNames.end();
}

std::optional<source::TreeEntry> kustomization_in(const source::Snapshot& snapshot,
                                                  const std::string& folder) {
  for (const auto name : kNames)
    if (auto entry = snapshot.entry(join_path(folder, std::string(name)))) return entry;
  return std::nullopt;
}

std::optional<source::TreeEntry> root_kustomization(const source::Snapshot& snapshot,
                                                    const config::Application& application) {
  for (const auto name : kNames)
    if (is_looked_for(application, name))
      if (auto entry = snapshot.entry(join_path(application.path, std::string(name)))) return entry;
  return std::nullopt;
}

Listing list_generated(const source::Snapshot& snapshot, const config::Application& application,
                       const Limits& limits) {
  const auto found = find_resources(snapshot, application, limits);
  Follower follower(snapshot, limits);
  follower.visit_generated(application.path, found);
  const bool apart = follower.apart();
  Listing listing = follower.take();
  if (listing.plain || !apart) return listing;
  listing.manifests = found.manifests;
  for (const auto& base : found.bases) {
    auto own = std::make_shared<const Listing>(list_kustomization(snapshot, base, limits));
    if (own->plain)
      listing.manifests.insert(listing.manifests.end(), own->manifests.begin(), own->manifests.end());
    else
      listing.parts.push_back({base, kustomization_in(snapshot, base)->path, own});
  }
  return listing;
}

Listing list_kustomization(const source::Snapshot& snapshot, const std::string& folder,
                           const Limits& limits) {
  Follower follower(snapshot, limits);
  follower.visit(folder);
  return follower.take();
}

}  // namespace gitopsd::render
