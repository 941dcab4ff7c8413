// Other repositories that an application's kustomizations may build on, as if they lay in its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/problem.h"
#include "daemon/render/remote_reference.h"
#include "daemon/source/mirror.h"

namespace gitopsd::render {

/// Where copies of other repositories' commits seem to lie: `.gitopsd-bases/COMMIT/...`.
inline constexpr std::string_view kBasesFolder = ".gitopsd-bases";

/// Whether the path is of another repository. What it names never changes, since the commit is a part of it.
bool is_in_bases(std::string_view path);

/// What is wrong with a reference, where it stands.
class BaseRefused : public Failure {
 public:
  using Failure::Failure;
};

class Bases {
 public:
  virtual ~Bases() = default;
  /// The tree that is meant, or nullptr where the application may not build on that repository. Throws
  /// Failure where it may, and there is no such commit, or the repository cannot be reached.
  virtual std::shared_ptr<const source::Snapshot> find(const RemoteReference&) = 0;
};

/// `inner`, but that a kustomization which names an allowed repository is read as naming the copy of it: by
/// everything that lists, reads or copies it. Positions stay true. Reading such a kustomization throws
/// BaseRefused for what `Bases::find` throws.
std::shared_ptr<const source::Snapshot> with_bases(std::shared_ptr<const source::Snapshot> inner,
                                                   std::shared_ptr<Bases>);

}  // namespace gitopsd::render
