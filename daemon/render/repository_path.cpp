#include "daemon/render/repository_path.h"

#include <algorithm>
#include <vector>

namespace gitopsd::render {

std::optional<std::string> path_from(const std::string& folder, const std::string& reference) {
  std::vector<std::string> parts;
  const std::string joined = reference.starts_with('/') ? reference : join_path(folder, reference);
  std::size_t start = 0;
  while (start <= joined.size()) {
    const std::size_t end = std::min(joined.find('/', start), joined.size());
    const std::string part = joined.substr(start, end - start);
    if (part == "..") {
      if (parts.empty()) return std::nullopt;
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    start = end + 1;
  }
  std::string path;
  for (const auto& part : parts) path += (path.empty() ? "" : "/") + part;
  return path;
}

bool is_within(const std::string& folder, const std::string& path) {
  return folder.empty() || path == folder || path.starts_with(folder + "/");
}

std::string join_path(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

}  // namespace gitopsd::render
