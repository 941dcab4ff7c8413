#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/yaml.h"
#include "config/config.h"
#include "config/fields.h"

namespace gitopsd::config {
namespace {

namespace fs = std::filesystem;

constexpr YamlLimits kLimits{.bytes = 16u << 20, .nodes = 1'000'000, .alias_nodes = 100'000, .depth = 64};

// Reads files one after the other into the same configuration: lists grow, scalars are set once.
class Loader {
 public:
  explicit Loader(std::string main_file) { config_.file = std::move(main_file); }

  void read(const std::string& file, std::string_view text) {
    in_.begin_file(file, text);
    try {
      const auto documents = parse_yaml(text, file, kLimits);
      if (documents.empty()) return;
      if (documents.size() > 1) {
        in_.problem(documents[1].position, "a second document", "write all sections into one, without '---'");
      }
      read_document(documents.front());
    } catch (const Failure& failure) {
      incomplete_ = true;
      in_.add(failure, {});
    }
  }

  void add(const Failure& failure) {
    incomplete_ = true;
    in_.add(failure, {});
  }

  std::vector<Problem> warnings() const { return in_.warnings(config_); }

  std::shared_ptr<Config> finish(bool resolve_secrets) {
    // What a file that could not be read declares is not missing.
    if (!incomplete_) {
      in_.check_references();
      check_server(in_, config_);
    }
    if (resolve_secrets) in_.check_secrets_and_files();
    if (auto problems = in_.problems(); !problems.empty()) throw Failure(std::move(problems));
    return std::make_shared<Config>(std::move(config_));
  }

 private:
  void read_document(const Value& document) {
    static const Shape shape = object_shape(config_fields(), "the sections of a configuration");
    if (!in_.fits(document, shape)) return;
    read_members(in_, document, config_fields(), shape, config_, true);
  }

  Config config_;
  Reader in_;
  bool incomplete_ = false;
};

std::vector<std::string> fragments(const std::string& main_file) {
  std::vector<std::string> found;
  const fs::path directory = fs::path(main_file).parent_path() / "conf.d";
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error == std::errc::no_such_file_or_directory) return found;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const auto& path = entries->path();
    if (path.filename().string().starts_with('.')) continue;
    if (path.extension() == ".yml") {
      throw Failure(
          Problem{ProblemCause::input, "only *.yaml is read from conf.d", "rename it", path.string(), {}});
    }
    if (path.extension() == ".yaml") found.push_back(path.string());
  }
  if (error) {
    throw Failure(
        Problem{ProblemCause::input, "cannot be listed: " + error.message(), "", directory.string(), {}});
  }
  std::sort(found.begin(), found.end());
  return found;
}

void read_from_disk(Loader& loader, const std::string& file) {
  try {
    loader.read(file, read_file(file, kLimits.bytes));
  } catch (const Failure& failure) {
    loader.add(failure);
  }
}

}  // namespace

Snapshot load(const std::string& path, bool resolve_secrets) {
  Loader loader(path);
  read_from_disk(loader, path);
  try {
    for (const auto& file : fragments(path)) read_from_disk(loader, file);
  } catch (const Failure& failure) {
    loader.add(failure);
  }
  auto warnings = loader.warnings();
  const auto config = loader.finish(resolve_secrets);
  config->warnings = std::move(warnings);
  return config;
}

Snapshot parse(std::string_view yaml, const std::string& file) {
  Loader loader(file);
  loader.read(file, yaml);
  return loader.finish(false);
}

}  // namespace gitopsd::config
