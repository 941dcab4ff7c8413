#include "ctl/checkout.h"

#include <algorithm>

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"

namespace gitopsd::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDocumentBytes = 4u << 20;  // as the daemon has it

bool is_manifest(const fs::path& path) {
  const auto extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

std::vector<Value> read_documents(const std::string& text, const fs::path& file, const std::string& name) {
  if (file.extension() == ".json") return {parse_json(text, name)};
  return parse_yaml(text, name);
}

void check_document(const Value& document, const std::string& name, Checked& checked) {
  const auto note = [&](Position position, std::string message, std::string hint) {
    checked.problems.push_back({ProblemCause::input, std::move(message), std::move(hint), name, position});
  };
  ++checked.documents;
  if (!document.is_object()) {
    note(document.position,
         "expected an object with apiVersion and kind, found " + std::string(document.type_name()), "");
    return;
  }
  for (const auto* key : {"apiVersion", "kind"}) {
    const auto* member = document.find(key);
    if (member == nullptr) {
      note(document.position, "the key '" + std::string(key) + "' is missing",
           "leave the file out with the application's exclude if it is no manifest");
    } else if (!member->is_string() || member->as_string().empty()) {
      note(member->position,
           std::string(key) + ": expected a text, found " + std::string(member->type_name()), "");
    }
  }
}

}  // namespace

void check_manifest(const fs::path& file, const std::string& name, Checked& checked) {
  ++checked.files;
  try {
    const auto text = read_file(file.string(), kDocumentBytes);
    for (const auto& document : read_documents(text, file, name)) check_document(document, name, checked);
  } catch (const Failure& failure) {
    for (auto problem : failure.problems()) {
      if (problem.file.empty()) problem.file = name;
      checked.problems.push_back(std::move(problem));
    }
  }
}

Checked check_checkout(const fs::path& folder) {
  Checked checked;
  std::vector<fs::path> files;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator();
       ++entry) {
    const auto& path = entry->path();
    if (path.filename().string().starts_with('.')) {
      if (entry->is_directory() && !entry->is_symlink()) entry.disable_recursion_pending();
      continue;
    }
    if (!is_manifest(path)) continue;
    if (entry->is_symlink()) {
      checked.problems.push_back({ProblemCause::input,
                                  "a symbolic link is no manifest",
                                  "commit the file itself",
                                  path.lexically_relative(folder).string(),
                                  {}});
    } else if (entry->is_regular_file()) {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) check_manifest(file, file.lexically_relative(folder).string(), checked);
  return checked;
}

}  // namespace gitopsd::ctl
