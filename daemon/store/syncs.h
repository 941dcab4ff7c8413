// Moving a sync from state to state, within a transaction.
#pragma once

#include "daemon/store/transaction.h"

namespace gitopsd::store {

/// Throws Failure when there is no such sync.
void move_sync(Transaction& transaction, SyncId id, const Transition& to);

/// A queued or held event runs from the first sync that begins for it. In events.cpp.
void begin_event(Transaction& transaction, EventId id);

}  // namespace gitopsd::store
