// Charts, by `helm template`.
#include <algorithm>
#include <map>

#include "base/json.h"
#include "daemon/render/external.h"
#include "daemon/render/external_run.h"
#include "daemon/render/place.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {
namespace {

constexpr std::string_view kBoundary = "---\n# Source: ";
constexpr std::string_view kDefaultNamespace = "default";

bool is_plain_file(const source::TreeEntry& entry) {
  return entry.kind == source::EntryKind::file || entry.kind == source::EntryKind::executable;
}

/// The files of values, from the repository's root.
std::vector<std::string> values_files(const source::Snapshot& snapshot, const config::Application& app) {
  std::vector<std::string> found;
  std::vector<Problem> problems;
  for (const auto& name : app.helm ? app.helm->values : std::vector<std::string>{}) {
    const auto path = path_from(app.path, name);
    const auto entry = path ? snapshot.entry(*path) : std::nullopt;
    if (entry && is_plain_file(*entry)) {
      found.push_back(*path);
      continue;
    }
    problems.push_back({ProblemCause::input,
                        path ? "there is no file of values " + *path + " in this commit"
                             : "the file of values " + name + " is outside of the repository",
                        "helm.values are files from the chart's folder; with a leading slash from the root",
                        place(snapshot.commit(), app.path),
                        {}});
  }
  if (!problems.empty()) throw Failure(std::move(problems));
  return found;
}

/// The chart and its values. A symbolic link may lead anywhere: then it is the whole repository.
std::set<std::string> read_by_chart(const source::Snapshot& snapshot, const config::Application& app,
                                    const std::vector<std::string>& values) {
  std::set<std::string> reads{app.path};
  for (const auto& path : values)
    if (!is_within(app.path, path)) reads.insert(path);
  const auto files = snapshot.files(app.path, Limits{}.files);
  const bool links = std::any_of(files.begin(), files.end(),
                                 [](const auto& file) { return file.kind == source::EntryKind::symlink; });
  return links ? std::set<std::string>{""} : reads;
}

std::vector<std::string> options(const config::Application& app, const Value& context) {
  const config::Helm helm = app.helm.value_or(config::Helm{});
  std::vector<std::string> out{
      "--namespace", helm.target_namespace.empty() ? std::string(kDefaultNamespace) : helm.target_namespace};
  const std::string version =
      helm.kube_version.empty() ? context.get_string("kubeVersion") : helm.kube_version;
  if (!version.empty()) out.insert(out.end(), {"--kube-version", version});
  std::vector<std::string> apis = helm.api_versions;
  for (const auto& api : context.get_array("apiVersions")) apis.push_back(api.as_string());
  for (const auto& api : apis) out.insert(out.end(), {"--api-versions", api});
  if (helm.crds) out.emplace_back("--include-crds");
  return out;
}

struct Piece {
  std::string source;  ///< as Helm says it: CHART/templates/a.yaml
  std::string_view text;
};

/// Helm says before each document which template it is of.
std::vector<Piece> pieces(std::string_view text) {
  std::vector<Piece> out;
  std::size_t at = text.starts_with(kBoundary) ? 0 : text.find("\n" + std::string(kBoundary));
  out.push_back({"", text.substr(0, std::min(at, text.size()))});
  while (at < text.size()) {
    if (text[at] == '\n') ++at;
    const std::size_t next = std::min(text.find("\n" + std::string(kBoundary), at), text.size());
    const std::string_view piece = text.substr(at, next - at);
    const std::string_view named = piece.substr(kBoundary.size());
    out.push_back({std::string(named.substr(0, named.find('\n'))), piece});
    at = next;
  }
  return out;
}

source::TreeEntry file_of(const source::Snapshot& snapshot, const config::Application& app,
                          const std::string& source, const source::TreeEntry& chart) {
  const auto slash = source.find('/');
  const auto path = slash == source.npos ? std::nullopt : path_from(app.path, source.substr(slash + 1));
  const auto entry = path ? snapshot.entry(*path) : std::nullopt;
  return entry && is_plain_file(*entry) && is_within(app.path, *path) ? *entry : chart;
}

std::vector<Document> documents_of(const External& external, const source::Snapshot& snapshot,
                                   const config::Application& app, const std::string& output,
                                   const source::TreeEntry& chart) {
  std::vector<Document> documents;
  std::vector<Problem> problems;
  std::map<std::string, int> count;
  for (const auto& piece : pieces(output)) {
    const auto file = file_of(snapshot, app, piece.source, chart);
    const std::string where = place(snapshot.commit(), file.path) + " (rendered by Helm)";
    try {
      for (auto& d : read_rendered(piece.text, file, where, external.sandbox.limits.output_bytes)) {
        d.index = count[d.path]++;
        documents.push_back(std::move(d));
      }
    } catch (const Failure& failure) {
      if (failure.cause() != ProblemCause::input) throw;
      for (const auto& p : failure.problems()) problems.push_back(p);
    }
  }
  if (!problems.empty()) throw Failure(std::move(problems));
  return documents;
}

}  // namespace

Rendered render_helm(const External& external, const source::Snapshot& snapshot,
                     const config::Application& app, const Value& context) {
  const auto& sandbox = external.sandbox;
  const auto chart = snapshot.entry(join_path(app.path, "Chart.yaml"));
  if (!chart)
    throw Failure(Problem{ProblemCause::input,
                          "the application's path holds no chart",
                          "add a Chart.yaml, or remove helm from the application",
                          place(snapshot.commit(), app.path),
                          {}});
  const auto values = values_files(snapshot, app);
  Rendered rendered;
  rendered.reads = read_by_chart(snapshot, app, values);
  const auto program = find_program(sandbox.limits.helm, {"helm"});
  if (program.empty()) throw no_program("Helm", "helm", sandbox.limits.helm);
  rendered.programs = {program};

  const std::string release = app.helm && !app.helm->release.empty() ? app.helm->release : app.name.str();
  const auto given = options(app, context);
  const Value inlined = app.helm ? app.helm->inline_values : Value();
  Order order{"helm", program, {rendered.reads.begin(), rendered.reads.end()}, {}, *chart};
  Value settings = Value::object({{"path", app.path}, {"release", release}, {"inline", inlined}});
  for (const auto* texts : {&given, &values}) {
    Value list = Value::array();
    for (const auto& text : *texts) list.push(text);
    settings.set(texts == &given ? "options" : "values", std::move(list));
  }
  order.settings = "helm " + to_json(settings);

  const auto output = run_or_find(external, snapshot, app, order, [&](const RunFolder& folder) {
    std::vector<std::string> command{program, "template", release,
                                     folder.tree() + (app.path.empty() ? "" : "/" + app.path)};
    command.insert(command.end(), given.begin(), given.end());
    for (const auto& path : values) command.insert(command.end(), {"--values", folder.tree() + "/" + path});
    if (inlined.is_object())
      command.insert(command.end(), {"--values", folder.write_scratch("inline.yaml", to_json(inlined))});
    return command;
  });
  rendered.documents = documents_of(external, snapshot, app, output, *chart);
  return rendered;
}

}  // namespace gitopsd::render
