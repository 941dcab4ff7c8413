#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "daemon/render/render.h"

namespace gitopsd::render {

std::string document_digest(std::string_view key, const Value& json,
                            const std::vector<std::pair<std::string, std::string>>& path_and_digest) {
  Hasher hasher(key);
  hasher.field(to_json(json));
  auto blobs = path_and_digest;
  std::sort(blobs.begin(), blobs.end());  // a provider may ask for them in any order
  for (const auto& [path, digest] : blobs) hasher.field(path).field(digest);
  return to_hex(hasher.finish());
}

}  // namespace gitopsd::render
