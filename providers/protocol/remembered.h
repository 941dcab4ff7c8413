// Documents of many files, whose names are most of what a call carries: they travel once. `resolve` sends
// them, and to a provider that remembers them `plan` and `apply` only name them.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "providers/protocol/messages.h"

namespace gitopsd::protocol {

inline constexpr std::string_view kRemembers = "remembers";  ///< the feature of a provider
inline constexpr std::string_view kForgotten = "forgotten";  ///< code of its problem: send them again

bool any_long(const std::vector<Document>&);
/// Leaves of each long one the digest alone.
void only_named(std::vector<Document>&);

/// One that was only named is not remembered: it came to another process, or too many came since.
struct Forgotten {};

/// What a provider was sent on a stream. Thread-safe.
class DocumentMemory {
 public:
  /// The long ones; those that are older may have to go.
  void keep(const std::vector<Document>&);
  /// Puts what was kept in the place of what is only named. Throws Forgotten.
  void recall(std::vector<Document>&) const;

 private:
  std::shared_ptr<const Document> find(const std::string& digest) const;

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const Document>> kept_;  ///< newest first
  std::size_t blobs_ = 0;                             ///< of them
};

}  // namespace gitopsd::protocol
