#include "daemon/render/external.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/yaml.h"
#include "daemon/render/external_run.h"
#include "daemon/render/mention.h"
#include "daemon/render/place.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {
namespace {

constexpr std::size_t kWordsOfFailure = 4000;  // of what a renderer said; the rest is seldom news

void forget_positions(Value& value) {
  value.position = {};
  if (value.is_array())
    for (auto& item : value.as_array()) forget_positions(item);
  if (value.is_object())
    for (auto& [key, member] : value.as_object()) forget_positions(member);
}

std::string trimmed(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.erase(last == text.npos ? 0 : last + 1);
  if (text.size() <= kWordsOfFailure) return text;
  text.resize(kWordsOfFailure);
  return replace_invalid_utf8(text) + "...";
}

constexpr std::string_view kFromOurs = "../../tree/";  // from a kustomization of ours to the copy

std::string without_part(std::string text, std::string_view part) {
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at)) text.erase(at, part.size());
  return text;
}

/// What a run failed with, at the file that it is about.
Failure failure_of(const Order& order, const Ran& ran, const source::Snapshot& snapshot,
                   const std::string& folder, std::string hint) {
  const std::string words = trimmed(without_part(without_values(ran.errors), kFromOurs));
  auto folders = order.charts;
  folders.insert(folders.begin(), folder);
  const auto mention = mentioned_file(snapshot, folders, words);
  if (words.find("missing in charts/") != words.npos)
    hint = "nothing is downloaded here: run helm dependency build, and commit what it puts into charts/";
  if (words.find("must specify --enable-helm") != words.npos)
    hint = "name the chart in helmCharts; older ways to have one inflated are not built";
  return Failure(Problem{ProblemCause::input,
                         order.name + " " + ran.failed + (words.empty() ? "" : ": " + words), std::move(hint),
                         place(snapshot.commit(), mention ? mention->path : order.main_file.path),
                         mention ? mention->position : Position{}});
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i) text += (i ? ", " : "") + names[i];
  return text + (names.size() > 5 ? ", ..." : "");
}

std::string left_out_hint(const std::vector<std::string>& left_out) {
  return left_out.empty() ? "" : "not readable in this commit (too large, or Git LFS): " + listed(left_out);
}

std::string cache_key(const Order& order, const source::Snapshot& snapshot) {
  Hasher hasher;
  for (const auto& program : {order.program, order.child})
    hasher.field(program).field(program.empty() ? "" : program_identity(program));
  hasher.field(order.settings);
  for (const auto& path : order.reads) {
    const auto entry = snapshot.entry(path);
    hasher.field(path).field(entry ? entry->id.str() : "missing");
  }
  return to_hex(hasher.finish());
}

/// The application's path, or a kustomization of ours: one that lays over it what the application says, or
/// one that was generated for a path that has none.
std::string folder_to_build(const config::Application& app, const Listing& listing, const RunFolder& folder) {
  const bool overlaid = app.kustomize.is_object() && !app.kustomize.as_object().empty();
  if (!overlaid && !listing.generated) return folder.tree() + (app.path.empty() ? "" : "/" + app.path);
  Value overlay = overlaid ? app.kustomize : Value::object();
  overlay.set("apiVersion", "kustomize.config.k8s.io/v1beta1").set("kind", "Kustomization");
  Value resources = Value::array();
  for (const auto& path : listing.generated.value_or(std::vector{app.path}))
    resources.push(std::string(kFromOurs) + path);
  overlay.set("resources", std::move(resources));
  folder.write_scratch("overlay/kustomization.yaml", to_json(overlay));
  return folder.scratch() + "/overlay";
}

/// What kustomize passes on to Helm where a kustomization says nothing else.
std::vector<std::string> chart_options(const std::string& helm, const Value& context) {
  std::vector<std::string> options{"--enable-helm", "--helm-command", helm};
  if (const std::string version = context.get_string("kubeVersion"); !version.empty())
    options.insert(options.end(), {"--helm-kube-version", version});
  for (const auto& api : context.get_array("apiVersions"))
    options.insert(options.end(), {"--helm-api-versions", api.as_string()});
  return options;
}

std::string kustomize_settings(const config::Application& app, const Listing& listing,
                               const std::vector<std::string>& options) {
  Value settings = Value::object({{"path", app.path}, {"kustomize", app.kustomize}});
  Value list = Value::array();
  for (const auto& option : options) list.push(option);
  settings.set("options", std::move(list));
  if (listing.generated) {
    Value resources = Value::array();
    for (const auto& path : *listing.generated) resources.push(path);
    settings.set("resources", std::move(resources));
  }
  return "kustomize " + to_json(settings);
}

}  // namespace

std::optional<std::string> OutputCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  for (auto it = outputs_.begin(); it != outputs_.end(); ++it) {
    if (it->first != key) continue;
    outputs_.splice(outputs_.begin(), outputs_, it);
    return it->second;
  }
  return std::nullopt;
}

void OutputCache::put(const std::string& key, const std::string& output) {
  const std::lock_guard lock(mutex_);
  outputs_.emplace_front(key, output);
  bytes_ += output.size();
  while (bytes_ > kMostBytes) {
    bytes_ -= outputs_.back().second.size();
    outputs_.pop_back();
  }
}

std::vector<Document> read_rendered(std::string_view text, const source::TreeEntry& file,
                                    const std::string& place, std::size_t limit) {
  YamlLimits yaml;
  yaml.bytes = limit;
  yaml.nodes = 20'000'000;
  yaml.alias_nodes = 1'000'000;
  auto values = parse_yaml(text, place, yaml);
  // Templates often leave a document empty but for its separator.
  std::erase_if(values, [](const Value& value) { return value.is_null(); });
  auto documents = take_documents(std::move(values), file, place);
  for (auto& document : documents) forget_positions(document.json);
  return documents;
}

Failure no_program(const std::string& name, const std::string& setting, const std::string& configured) {
  if (configured.empty())
    return fail(ProblemCause::destination, name + " is needed for this path and is not installed",
                "put it in PATH, or name it: renderers." + setting + ": /path");
  return fail(ProblemCause::destination,
              "renderers." + setting + " names " + configured + ", which cannot be run");
}

std::string run_or_find(const External& external, const source::Snapshot& snapshot,
                        const config::Application& app, const Order& order,
                        const std::function<std::vector<std::string>(const RunFolder&)>& command) {
  const std::string key = cache_key(order, snapshot);
  if (auto known = external.cache->find(key)) return *std::move(known);
  const RunFolder folder(external.sandbox);
  const auto left_out = folder.write(snapshot, order.reads);
  auto ran = run_in_sandbox(external.sandbox, folder, command(folder), order.child);
  if (!ran.failed.empty()) throw failure_of(order, ran, snapshot, app.path, left_out_hint(left_out));
  external.cache->put(key, ran.output);
  return std::move(ran.output);
}

std::string kustomize_program(const External& external) {
  return find_program(external.sandbox.limits.kustomize, {"kustomize", "kubectl"});
}

std::string helm_program(const External& external) {
  return find_program(external.sandbox.limits.helm, {"helm"});
}

Rendered render_kustomize(const External& external, const source::Snapshot& snapshot,
                          const config::Application& app, const Listing& listing, const Value& context) {
  const auto& limits = external.sandbox.limits;
  const auto main_file = listing.generated ? snapshot.entry(app.path) : root_kustomization(snapshot, app);
  if (!main_file)
    throw Failure(Problem{ProblemCause::input,
                          "the application's path holds no kustomization",
                          "add a kustomization.yaml, or remove kustomize from the application",
                          place(snapshot.commit(), app.path),
                          {}});
  Rendered rendered;
  rendered.reads = listing.reads;
  Order order{
      "kustomize", kustomize_program(external), {listing.reads.begin(), listing.reads.end()}, {}, *main_file};
  if (order.program.empty()) throw no_program("kustomize", "kustomize", limits.kustomize);
  rendered.programs = {order.program};
  std::vector<std::string> options;
  if (listing.charts) {
    order.child = helm_program(external);
    if (order.child.empty()) throw no_program("Helm", "helm", limits.helm);
    rendered.programs.push_back(order.child);
    order.charts = listing.chart_folders;
    options = chart_options(order.child, context);
  }
  order.settings = kustomize_settings(app, listing, options);
  const auto output = run_or_find(external, snapshot, app, order, [&](const RunFolder& folder) {
    // Every file that it can see is the snapshot's, so that a build may name files anywhere in it, as with
    // Flux.
    const std::string verb = order.program.ends_with("/kubectl") ? "kustomize" : "build";
    std::vector<std::string> command{order.program, verb, "--load-restrictor", "LoadRestrictionsNone"};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(folder_to_build(app, listing, folder));
    return command;
  });
  const std::string where = place(snapshot.commit(), main_file->path) + " (built by kustomize)";
  rendered.documents = read_rendered(output, *main_file, where, limits.output_bytes);
  return rendered;
}

}  // namespace gitopsd::render
