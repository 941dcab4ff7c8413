#include "daemon/render/chart_reference.h"

#include <algorithm>

#include "daemon/render/place.h"
#include "daemon/render/render.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {
namespace {

using source::EntryKind;

/// Empty where it is no text: kustomize says so.
std::string text_of(const Value& object, std::string_view key) {
  const Value* member = object.find(key);
  return member && member->is_string() ? member->as_string() : std::string();
}

class ChartReader {
 public:
  ChartReader(const source::Snapshot& snapshot, const std::string& folder, const source::TreeEntry& file)
      : snapshot_(snapshot), folder_(folder), place_(place(snapshot.commit(), file.path)) {}

  ChartReferences take(const Value& json) {
    read_globals(json.find("helmGlobals"));
    const Value* charts = json.find("helmCharts");
    if (charts && charts->is_array()) {
      for (const auto& chart : charts->as_array()) read_chart(chart);
    } else if (charts && !charts->is_null()) {
      found_.closed = false;
    }
    return std::move(found_);
  }

 private:
  void refuse(std::string message, std::string hint, Position at) {
    found_.problems.push_back({ProblemCause::input, std::move(message), std::move(hint), place_, at});
  }

  void read_globals(const Value* globals) {
    if (!globals || !globals->is_object()) return;
    if (const std::string home = text_of(*globals, "chartHome"); !home.empty()) home_ = home;
    // Helm would take settings, and programs, from there.
    if (const Value* config = globals->find("configHome"); config && !config->is_null())
      refuse("helmGlobals.configHome is not used here: Helm runs with settings of its own",
             "remove configHome", config->position);
  }

  void read_chart(const Value& chart) {
    const std::string name = chart.is_object() ? text_of(chart, "name") : "";
    if (name.empty()) {  // kustomize says so
      found_.closed = false;
      return;
    }
    find_chart(chart, name);
    if (const std::string values = text_of(chart, "valuesFile"); !values.empty()) read_file(values);
    if (const Value* more = chart.find("additionalValuesFiles"); more && more->is_array()) {
      for (const auto& values : more->as_array())
        if (values.is_string()) read_file(values.as_string());
    }
  }

  /// Where kustomize looks before it would pull.
  void find_chart(const Value& chart, const std::string& name) {
    const std::string repo = text_of(chart, "repo"), version = text_of(chart, "version");
    const std::string home = repo.empty() || version.empty() ? home_ : join_path(home_, name + "-" + version);
    const auto path = home.starts_with('/') ? std::nullopt : path_from(folder_, home + "/" + name);
    const auto entry = path ? snapshot_.entry(*path) : std::nullopt;
    if (entry && entry->kind == EntryKind::directory) return read_folder(*path);
    if (entry && entry->kind == EntryKind::symlink) {
      found_.closed = false;
      return;
    }
    const Value* at = chart.find("repo");
    const std::string where = path ? *path : home + "/" + name;
    if (repo.empty())
      return refuse("there is no chart at " + where + " in this commit",
                    "commit it there, or name its folder: helmGlobals.chartHome", chart.position);
    refuse(
        "the chart " + name + " would have to be fetched from " + repo + ", and renderers reach no network",
        "commit it: " + pull_command(repo, name, version, path ? *path : "charts/" + name), at->position);
  }

  static std::string pull_command(const std::string& repo, const std::string& name,
                                  const std::string& version, const std::string& path) {
    std::string command = "helm pull ";
    if (repo.starts_with("oci://"))
      command += repo + (repo.ends_with('/') ? "" : "/") + name;
    else
      command += name + " --repo " + repo;
    if (!version.empty()) command += " --version " + version;
    const auto slash = path.rfind('/');
    return command + " --untar --untardir " + (slash == path.npos ? "." : path.substr(0, slash));
  }

  void read_folder(const std::string& path) {
    found_.reads.push_back(path);
    found_.charts.push_back(path);
    const auto files = snapshot_.files(path, Limits{}.files);
    if (std::any_of(files.begin(), files.end(),
                    [](const auto& file) { return file.kind == EntryKind::symlink; }))
      found_.closed = false;  // it may lead anywhere
  }

  void read_file(const std::string& reference) {
    const auto path = reference.starts_with('/') ? std::nullopt : path_from(folder_, reference);
    const auto entry = path ? snapshot_.entry(*path) : std::nullopt;
    if (entry && (entry->kind == EntryKind::file || entry->kind == EntryKind::executable))
      found_.reads.push_back(*path);
    else
      found_.closed = false;
  }

  const source::Snapshot& snapshot_;
  const std::string& folder_;
  const std::string place_;
  std::string home_ = "charts";
  ChartReferences found_;
};

}  // namespace

ChartReferences chart_references(const source::Snapshot& snapshot, const std::string& folder,
                                 const source::TreeEntry& file, const Value& json) {
  return ChartReader(snapshot, folder, file).take(json);
}

}  // namespace gitopsd::render
