// References of a kustomization to repositories on a network, as kustomize takes them apart.
#pragma once

#include <optional>
#include <string>

namespace gitopsd::render {

struct RemoteReference {
  std::string host;  ///< empty for file://
  std::string url;   ///< that git clone(1) would be given
  std::string path;  ///< of the base in that repository; empty: its root
  std::string ref;   ///< empty: the remote's default branch
};

/// nullopt for what kustomize takes for a path: neither a scheme, nor user@host:path, nor github.com/.
std::optional<RemoteReference> remote_reference(const std::string& text);

/// How a copy of it gets into the repository, for people.
std::string vendor_hint(const RemoteReference&);

}  // namespace gitopsd::render
