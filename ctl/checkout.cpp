#include "ctl/checkout.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "base/yaml.h"
#include "ctl/folder_snapshot.h"
#include "daemon/render/read_path.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::ctl {
namespace {

namespace fs = std::filesystem;

/// Where renderers run.
class Rendering {
 public:
  Rendering(const std::string& program, const config::Renderers& limits)
      : external_{{program.empty() ? render::render_program() : program, folder_.path(), limits}} {}
  const render::External& external() const { return external_; }

 private:
  const TemporaryFolder folder_{in_temporary_directory("gitopsctl-")};
  const render::External external_;
};

/// Reads, and keeps what is wrong with the files; what cannot be found out here is only told.
bool note(Checked& checked, const std::string& thing, const std::function<void()>& read) {
  try {
    read();
    return true;
  } catch (const Failure& failure) {
    for (auto problem : failure.problems()) {
      // Problems name COMMIT:PATH, and there is no commit.
      if (problem.file.starts_with(':')) problem.file.erase(0, 1);
      if (problem.cause == ProblemCause::input || problem.cause == ProblemCause::conflict)
        checked.problems.push_back(std::move(problem));
      else
        checked.unchecked.push_back(thing + ": " + problem.str());
    }
    return false;
  }
}

bool holds_manifests(const std::string& text, const std::string& name) {
  std::vector<Value> documents;
  if (name.ends_with(".json"))
    documents.push_back(parse_json(text, name));
  else
    documents = parse_yaml(text, name);
  return std::any_of(documents.begin(), documents.end(), [](const Value& document) {
    return document.find("apiVersion") || document.find("kind");
  });
}

class CheckoutReader {
 public:
  CheckoutReader(const fs::path& folder, const std::string& renderer)
      : snapshot_(folder), rendering_(renderer, {}), files_(snapshot_.files("", render::Limits{}.files)) {}

  Checked read() {
    find_charts();
    for (const auto& folder :
         folders_of([](const std::string& name) { return render::is_kustomization_name(name); })) {
      kustomizations_.insert(folder);
    }
    list_kustomizations();
    for (const auto& [folder, listing] : listings_) build(folder);
    for (const auto& file : files_) read_alone(file);
    return std::move(checked_);
  }

 private:
  /// Folders outside of charts that hold a file of such a name.
  std::set<std::string> folders_of(const std::function<bool(const std::string&)>& is_one) const {
    const config::Application everything;
    std::set<std::string> folders;
    for (const auto& file : files_) {
      const auto slash = file.path.rfind('/');
      const std::string folder = slash == file.path.npos ? "" : file.path.substr(0, slash);
      if (is_one(file.path.substr(slash == file.path.npos ? 0 : slash + 1)) &&
          render::is_looked_for(everything, file.path) && !lies_in(file.path, charts_))
        folders.insert(folder);
    }
    return folders;
  }

  static bool lies_in(const std::string& path, const std::set<std::string>& folders) {
    return std::any_of(folders.begin(), folders.end(),
                       [&](const std::string& folder) { return render::is_within(folder, path); });
  }

  void find_charts() {
    for (const auto& folder : folders_of([](const std::string& name) { return name == "Chart.yaml"; })) {
      if (lies_in(folder, charts_)) continue;  // in its charts/
      charts_.insert(folder);
      checked_.unchecked.push_back((folder.empty() ? "." : folder) +
                                   ": a chart; --config FILE renders those of its applications");
    }
    checked_.charts = static_cast<int>(charts_.size());
  }

  void list_kustomizations() {
    for (const auto& folder : kustomizations_) {
      const auto main_file = render::kustomization_in(snapshot_, folder);
      render::Listing listing;
      if (!note(checked_, folder, [&] { listing = render::list_kustomization(snapshot_, folder); })) continue;
      listing.kustomizations.erase(main_file->path);
      named_.insert(listing.kustomizations.begin(), listing.kustomizations.end());
      if (listing.closed) read_.insert(listing.reads.begin(), listing.reads.end());
      listings_.emplace(folder, std::move(listing));
    }
  }

  bool is_component(const source::TreeEntry& file) {
    try {
      const auto documents = parse_yaml(snapshot_.read(file.id, file.path, render::Limits{}.file_bytes), "");
      return !documents.empty() && documents.front().get_string("kind") == "Component";
    } catch (const Failure&) {
      return false;
    }
  }

  /// What another one names is built with it, and a component is nothing by itself.
  void build(const std::string& folder) {
    const auto main_file = render::kustomization_in(snapshot_, folder);
    ++checked_.kustomizations;
    if (named_.contains(main_file->path) || is_component(*main_file)) return;
    config::Application app;
    app.path = folder;
    note(checked_, folder.empty() ? "." : folder, [&] {
      const auto documents = render::read_path(rendering_.external(), snapshot_, app, Value::object());
      checked_.documents += static_cast<int>(documents.size());
    });
  }

  /// A manifest that no chart and no kustomization has.
  void read_alone(const source::TreeEntry& file) {
    static const config::Application everything;
    if (!render::is_manifest(everything, file.path) || lies_in(file.path, charts_) ||
        lies_in(file.path, kustomizations_) || read_.contains(file.path))
      return;
    ++checked_.files;
    note(checked_, file.path, [&] {
      const bool is_file = file.kind != source::EntryKind::symlink;
      if (is_file &&
          !holds_manifests(snapshot_.read(file.id, file.path, render::Limits{}.file_bytes), file.path)) {
        checked_.unchecked.push_back(file.path +
                                     ": no manifest, since it has no apiVersion and no kind; an application "
                                     "whose path holds it needs it in exclude");
        return;
      }
      checked_.documents += static_cast<int>(render::read_manifest(snapshot_, file).size());
    });
  }

  const FolderSnapshot snapshot_;
  const Rendering rendering_;
  const std::vector<source::TreeEntry> files_;
  std::set<std::string> charts_, kustomizations_;
  std::map<std::string, render::Listing> listings_;
  std::set<std::string> named_;  ///< kustomizations that another one names
  std::set<std::string> read_;   ///< files and folders that one reads
  Checked checked_;
};

}  // namespace

void check_manifest(const fs::path& file, const std::string& name, Checked& checked) {
  ++checked.files;
  const auto folder = file.parent_path();
  const FolderSnapshot snapshot(folder.empty() ? "." : folder);
  const std::size_t before = checked.problems.size();
  note(checked, name, [&] {
    const source::TreeEntry entry{file.filename().string(), {}, source::EntryKind::file};
    checked.documents += static_cast<int>(render::read_manifest(snapshot, entry).size());
  });
  for (auto i = before; i < checked.problems.size(); ++i) checked.problems[i].file = name;
}

Checked check_checkout(const fs::path& folder, const std::string& renderer) {
  return CheckoutReader(folder, renderer).read();
}

Checked check_applications(const fs::path& folder, const config::Config& config,
                           const RepositoryName& repository, const std::string& renderer) {
  const FolderSnapshot snapshot(folder);
  const Rendering rendering(renderer, config.renderers);
  Checked checked;
  for (const auto& app : config.applications) {
    if (app.repository != repository) continue;
    ++checked.applications;
    note(checked, "application " + app.name.str(), [&] {
      const auto documents = render::read_path(rendering.external(), snapshot, app, Value::object());
      checked.documents += static_cast<int>(documents.size());
    });
  }
  return checked;
}

}  // namespace gitopsd::ctl
