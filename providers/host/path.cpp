#include "providers/host/path.h"

namespace gitopsd::host {
namespace {

constexpr std::string_view kPrefix = "path:";
constexpr std::size_t kMaxPath = 500;  // a resource id has at most 512 bytes
constexpr std::size_t kMaxName = 255;

}  // namespace

std::string path_fault(std::string_view path) {
  if (path.empty() || path[0] != '/') return "must be absolute";
  if (path.size() > kMaxPath) return "is longer than " + std::to_string(kMaxPath) + " bytes";
  if (path == "/") return "must name something beneath /";
  for (char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "has a control character";
  std::size_t start = 1;
  while (start <= path.size()) {
    std::size_t end = std::min(path.find('/', start), path.size());
    std::string_view part = path.substr(start, end - start);
    if (part.empty()) return end == path.size() ? "ends in a slash" : "has an empty part (//)";
    if (part == "." || part == "..") return "has a part '" + std::string(part) + "'";
    if (part.size() > kMaxName) return "has a part of more than 255 bytes";
    start = end + 1;
  }
  return {};
}

std::string parent_of(std::string_view path) {
  auto slash = path.rfind('/');
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string name_of(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool is_beneath(std::string_view path, std::string_view folder) {
  if (folder == "/") return path.size() > 1 && path[0] == '/';
  return path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/';
}

std::string relative_to(std::string_view path, std::string_view folder) {
  return std::string(path.substr(folder == "/" ? 1 : folder.size() + 1));
}

ResourceId id_of(std::string_view path) {
  return ResourceId(std::string(kPrefix) + std::string(path));
}

std::string path_of(const ResourceId& id) {
  std::string_view text = id.str();
  if (!text.starts_with(kPrefix)) return {};
  text.remove_prefix(kPrefix.size());
  return path_fault(text).empty() ? std::string(text) : std::string();
}

}  // namespace gitopsd::host
