// Many small packs into few. In process, by libgit2's pack builder: no Git needs to be installed where the
// daemon runs, and what it merges is what fetches brought since, not the repository.
#pragma once

#include "daemon/source/depot.h"
#include "daemon/source/mirror.h"

namespace gitopsd::source {

/// Packs at which a repack is due.
inline constexpr std::size_t kPacks = 50;

/// Merges small packs until each is at least twice as large as all smaller ones together, so that an object
/// is rewritten a logarithmic number of times. Cheap when there are few. A fetch may run meanwhile, another
/// merge not. Throws Failure; what is there stays sound then.
void merge_packs(Depot&, const Cancel&);

/// Whether what lies there has tripled since the depot was made or keep_needed ran last.
bool has_grown(const Depot&);

/// One pack of what refs and snapshots in use need; everything else goes. Neither a fetch nor a merge may run
/// meanwhile. Throws Failure; what is there stays sound then.
void keep_needed(Depot&, const Cancel&);

}  // namespace gitopsd::source
