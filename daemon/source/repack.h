// Many small packs into few. In process, by libgit2's pack builder: no Git needs to be installed where the
// daemon runs, and what it merges is what fetches brought since, not the repository.
#pragma once

#include "daemon/source/depot.h"
#include "daemon/source/mirror.h"

namespace gitopsd::source {

/// Packs at which a repack is due.
inline constexpr std::size_t kPacks = 50;

/// Merges small packs until each is at least twice as large as all smaller ones together, so that an object
/// is rewritten a logarithmic number of times. When what lies there has tripled since the last time, keeps
/// only what refs and snapshots in use need. Throws Failure; what is there stays sound then. No fetch may run
/// meanwhile.
void repack(Depot&, const Cancel&);

/// One pack of what refs and snapshots in use need; everything else goes.
void keep_needed(Depot&, const Cancel&);

}  // namespace gitopsd::source
