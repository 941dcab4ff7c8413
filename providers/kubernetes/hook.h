// Objects that are run at a time of a sync instead of being kept as declared, mostly Jobs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/value.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

inline constexpr const char* kHookRun = "gitopsd.io/hook-run";  ///< annotation: which run made the object

struct HookSpec {
  std::vector<protocol::Hook> times;  ///< empty: no hook
  bool left_out = false;              ///< only of times that never come here: it is not applied at all
  bool delete_succeeded = false, delete_failed = false;
  int weight = 0;  ///< Helm's

  bool any() const { return !times.empty(); }
  /// What a receipt remembers of it; empty for no hook.
  std::string memory() const;
  /// The memory of one whose end was told, and whether it is that of one.
  static std::string ended(const std::string& memory);
  static bool has_ended(const std::string& memory);
  /// By that memory: whether the object goes after a run that ended in this way.
  static bool goes_after(const std::string& memory, protocol::Health);
};

/// `annotation` is what is wrong.
using RefuseHook =
    std::function<void(const std::string& annotation, const std::string& message, const std::string& hint)>;

/// Whether an object has an annotation that makes it one, whatever that says.
bool names_hook(const Value& object);

/// By our annotations, Argo CD's or Helm's; the first of the three that says a time counts, as in Argo CD.
HookSpec read_hook(const Value& annotations, const RefuseHook&);

/// "before the sync", for people.
std::string when(protocol::Hook);
/// Names one run: the same for the same sync, step and document.
std::string run_of(const std::string& sync, const protocol::Step&);

}  // namespace gitopsd::kubernetes
