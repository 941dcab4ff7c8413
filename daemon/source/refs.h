// The mirror's own refs, which are few: one per followed ref, one per kept revision. They say what a repack
// keeps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/source/depot.h"

namespace gitopsd::source {

inline constexpr const char* kAllRefs = "refs/gitopsd/*";
inline constexpr const char* kFollowedRefs = "refs/gitopsd/follow/*";
inline constexpr const char* kPinRefs = "refs/gitopsd/pin/*";
inline constexpr std::string_view kPinPrefix = "refs/gitopsd/pin/";

/// The local ref that keeps what `ref` led to at the last fetch. A hash, since a remote's names may clash as
/// files.
std::string follow_name(const Ref& ref);
/// Throws Failure (cause input) where `name` cannot be part of a ref's name.
std::string pin_name(const std::string& name);

struct LocalRef {
  std::string name;
  CommitId id;
};
std::vector<LocalRef> local_refs(const Depot::Lease&, const char* glob);
std::optional<CommitId> read_ref(const Depot::Lease&, const std::string& name);
/// Throws Failure naming the mirror.
void write_ref(Depot&, const Depot::Lease&, const std::string& name, const CommitId&);
void delete_ref(Depot&, const Depot::Lease&, const std::string& name);
/// Puts all refs into one file, which is read at once, when many were written: there are ten pins for each
/// application.
void pack_refs(Depot&);

}  // namespace gitopsd::source
