// Moving a sync from state to state, within a transaction.
#pragma once

#include "daemon/store/transaction.h"

namespace gitopsd::store {

/// Throws Failure when there is no such sync.
void move_sync(Transaction& transaction, SyncId id, const Transition& to);

}  // namespace gitopsd::store
