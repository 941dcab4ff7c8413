#include "ctl/checkout.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "base/yaml.h"
#include "ctl/folder_snapshot.h"
#include "daemon/render/read_path.h"
#include "daemon/render/repository_path.h"
#include "daemon/sync/check_providers.h"
#include "daemon/sync/resolve.h"

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

/// Problems name COMMIT:PATH, and there is no commit.
Problem without_commit(Problem problem) {
  if (problem.file.starts_with(':')) problem.file.erase(0, 1);
  return problem;
}

/// Reads, and keeps what is wrong with the files; what cannot be found out here is only told.
bool note(Checked& checked, const std::string& thing, const std::function<void()>& read) {
  try {
    read();
    return true;
  } catch (const Failure& failure) {
    for (const auto& found : failure.problems()) {
      auto problem = without_commit(found);
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

/// The applications of one repository, as syncs would read and resolve them.
class ApplicationsReader {
 public:
  ApplicationsReader(const fs::path& folder, const config::Config& config, const std::string& providers,
                     const std::string& renderer)
      : snapshot_(std::make_shared<FolderSnapshot>(folder)),
        rendering_(renderer, config.renderers),
        config_(config),
        programs_(providers) {}

  Checked read(const RepositoryName& repository) {
    for (const auto& app : config_.applications)
      if (app.repository == repository) read(app);
    auto& problems = checked_.problems;
    const auto by_place = [](const Problem& a, const Problem& b) {
      return std::tie(a.file, a.position) < std::tie(b.file, b.position);
    };
    std::stable_sort(problems.begin(), problems.end(), by_place);
    return std::move(checked_);
  }

 private:
  void read(const config::Application& app) {
    ++checked_.applications;
    sync::AskedProvider* const provider = provider_of(app.destination);
    std::vector<render::Document> documents;
    note(checked_, "application " + app.name.str(), [&] {
      const Value context = provider ? (*provider)->info().render_context : Value::object();
      std::vector<Problem> wrong;
      documents = render::read_path(rendering_.external(), *snapshot_, app, context, &wrong);
      checked_.documents += static_cast<int>(documents.size());
      if (!wrong.empty()) throw Failure(std::move(wrong));
    });
    if (provider) resolve(**provider, app, std::move(documents));
  }

  /// nullptr where it cannot be asked, which is told once.
  sync::AskedProvider* provider_of(const DestinationName& name) {
    const auto [it, fresh] = providers_.try_emplace(name);
    if (!fresh) return it->second.get();
    const auto destination = std::find_if(config_.destinations.begin(), config_.destinations.end(),
                                          [&](const auto& d) { return d.name == name; });
    try {
      // A configuration may lie in the checkout, and what that names is not to be run.
      if (!destination->command.empty())
        throw fail(ProblemCause::destination, "its provider is `command: " + destination->command + "`",
                   "only providers that are installed are started here");
      it->second = sync::start_to_resolve(*destination, programs_);
    } catch (const Failure& failure) {
      cannot_ask(name, failure.problems().front());
    }
    return it->second.get();
  }

  void cannot_ask(const DestinationName& name, Problem why) {
    const std::string which = "destination " + name.str() + ": ";
    if (why.message.starts_with(which)) why.message.erase(0, which.size());
    why.file.clear();
    why.position = {};
    checked_.unchecked.push_back(which + "kinds, fields and policy: " + why.str());
    providers_[name].reset();
  }

  void resolve(sync::Provider& provider, const config::Application& app,
               std::vector<render::Document> documents) {
    try {
      sync::ProviderCheck policy;
      sync::ask_policy(provider, app, policy);
      if (!policy.problems.empty()) throw Failure(std::move(policy.problems));
      sync::SnapshotBlobs blobs(snapshot_);
      const auto items =
          sync::resolve_documents({provider, app, "check"}, *snapshot_, std::move(documents), files_, blobs);
      if (auto twice = sync::duplicates(snapshot_->commit(), items); !twice.empty())
        throw Failure(sync::problems_of(twice));
    } catch (const Failure& failure) {
      const Problem* unasked = nullptr;
      for (const auto& problem : failure.problems()) {
        // Without a place it is no document that lacks a right, but whoever asks.
        if (sync::refuses(problem.cause) &&
            (problem.cause != ProblemCause::permission || !problem.file.empty()))
          checked_.problems.push_back(without_commit(problem));
        else if (!unasked)
          unasked = &problem;
      }
      if (unasked) cannot_ask(app.destination, *unasked);
    }
  }

  const std::shared_ptr<const FolderSnapshot> snapshot_;
  const Rendering rendering_;
  const config::Config& config_;
  const std::string programs_;
  std::map<DestinationName, std::unique_ptr<sync::AskedProvider>> providers_;
  sync::BlobMemory files_;
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
                           const RepositoryName& repository, const std::string& providers,
                           const std::string& renderer) {
  return ApplicationsReader(folder, config, providers, renderer).read(repository);
}

}  // namespace gitopsd::ctl
