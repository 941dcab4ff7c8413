#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "base/file.h"
#include "base/yaml.h"
#include "config/config.h"
#include "ctl/checkout.h"
#include "ctl/commands.h"
#include "daemon/sync/check_providers.h"

namespace gitopsd::ctl {
namespace {

namespace fs = std::filesystem;

// Whether a file is a manifest; what is no YAML at all is judged as a configuration.
bool has_api_version(const fs::path& file) {
  try {
    const auto documents = parse_yaml(read_file(file.string()), file.string());
    return !documents.empty() && documents.front().find("apiVersion") != nullptr;
  } catch (const Failure&) {
    return false;
  }
}

// What policies and settings may say is the providers' knowledge: those that are here are asked.
void ask_providers(const config::Config& config, const std::string& programs, Checked& checked) {
  if (!sync::has_providers(programs)) {
    checked.unchecked.push_back("policies and settings: no provider is installed in " + programs);
    return;
  }
  auto said = sync::check_providers(config, programs);
  checked.problems = std::move(said.problems);
  checked.unchecked = std::move(said.unchecked);
  std::move(said.warnings.begin(), said.warnings.end(), std::back_inserter(checked.warnings));
}

Checked check_configuration(const fs::path& file, const std::string& programs) {
  Checked checked;
  checked.files = 1;
  try {
    const auto config = config::load(file.string(), false);
    checked.warnings = config->warnings;
    ask_providers(*config, programs, checked);
  } catch (const Failure& failure) {
    checked.problems = failure.problems();
  }
  return checked;
}

/// The one that is named, or else the only one that applications have.
RepositoryName repository_of(const config::Config& config, const std::string& given) {
  std::set<RepositoryName> used;
  for (const auto& application : config.applications) used.insert(application.repository);
  if (given.empty() && used.size() == 1) return *used.begin();
  std::string names;
  for (const auto& name : used) {
    if (name.str() == given) return name;
    names += (names.empty() ? "" : ", ") + name.str();
  }
  if (given.empty())
    throw UsageError("--repository says which of the configuration's repositories this is: " + names);
  throw NotFoundError("no application is of a repository " + given + "; there are " + names);
}

/// A configuration that is not right itself has all the word.
Checked check_configured(const fs::path& checkout, const ValidateOptions& options,
                         const std::string& programs, std::string_view& kind) {
  if (!fs::exists(options.config)) throw NotFoundError("there is no configuration " + options.config);
  config::Snapshot config;
  try {
    config = config::load(options.config, false);
  } catch (const Failure& failure) {
    kind = "configuration";
    Checked checked;
    checked.files = 1;
    checked.problems = failure.problems();
    return checked;
  }
  return check_applications(checkout, *config, repository_of(*config, options.repository), programs,
                            options.render_program);
}

Value to_value(const Problem& problem) {
  const auto number = [](int n) { return n > 0 ? Value(n) : Value(); };
  return Value::object({{"file", problem.file},
                        {"line", number(problem.position.line)},
                        {"column", number(problem.position.column)},
                        {"message", problem.message},
                        {"hint", problem.hint.empty() ? Value() : Value(problem.hint)}});
}

void print(const Session& session, const Checked& checked, std::string_view kind) {
  if (session.json) {
    Value problems = Value::array(), warnings = Value::array(), unchecked = Value::array();
    for (const auto& problem : checked.problems) problems.push(to_value(problem));
    for (const auto& warning : checked.warnings) warnings.push(to_value(warning));
    for (const auto& line : checked.unchecked) unchecked.push(line);
    session.print_json(Value::object({{"kind", kind},
                                      {"files", checked.files},
                                      {"documents", checked.documents},
                                      {"kustomizations", checked.kustomizations},
                                      {"charts", checked.charts},
                                      {"applications", checked.applications},
                                      {"problems", problems},
                                      {"warnings", warnings},
                                      {"not_checked", unchecked}}));
    return;
  }
  for (const auto& problem : checked.problems) session.line(safe(problem.str()));
  for (const auto& warning : checked.warnings) session.line("warning: " + safe(warning.str()));
  for (const auto& line : checked.unchecked) session.line("not checked: " + safe(line));
  const auto count = [](auto n, const std::string& thing) {
    return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
  };
  const bool good = checked.problems.empty();
  std::string what = "the configuration";
  if (kind == "checkout") {
    what = count(checked.documents, "document") + " in " +
           (checked.applications > 0 ? count(checked.applications, "application")
                                     : count(checked.files, "file"));
    if (checked.kustomizations > 0) what += ", " + count(checked.kustomizations, "kustomization");
    if (checked.charts > 0) what += ", " + count(checked.charts, "chart");
  }
  // What a kind's fields may be is the provider's knowledge, and only a configuration says which one's.
  const std::string praise =
      kind == "checkout" && checked.applications == 0
          ? "no problem in the YAML; kinds and fields are checked with --config, and by gitopsctl plan"
          : "no problem";
  session.line(what + ": " +
               session.terminal.paint(good ? Colour::green : Colour::red,
                                      good ? praise : count(checked.problems.size(), "problem")));
}

}  // namespace

Exit validate(const Session& session, const ValidateOptions& options) {
  const std::string programs =
      options.provider_directory.empty() ? sync::default_provider_directory() : options.provider_directory;
  const std::string& path = options.path;
  const fs::path given = path;
  const bool folder = fs::is_directory(given);
  if (!fs::exists(given)) throw NotFoundError("there is no file or folder " + path);
  Checked checked;
  std::string_view kind = "checkout";
  if (!options.config.empty()) {
    if (!folder)
      throw UsageError("--config checks the applications of a checkout, and " + path + " is no folder");
    checked = check_configured(given, options, programs, kind);
  } else if (!options.repository.empty()) {
    throw UsageError("--repository says which one of --config FILE the checkout is of");
  } else if (folder && fs::exists(given / "gitopsd.yaml")) {
    kind = "configuration";
    checked = check_configuration(given / "gitopsd.yaml", programs);
  } else if (folder) {
    checked = check_checkout(given, options.render_program);
  } else if (has_api_version(given)) {
    check_manifest(given, path, checked);
  } else {
    kind = "configuration";
    checked = check_configuration(given, programs);
  }
  print(session, checked, kind);
  return checked.problems.empty() ? Exit::ok : Exit::failed;
}

}  // namespace gitopsd::ctl
