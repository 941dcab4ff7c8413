// What the store is made to do while its disk fails, and what it said about it.
#pragma once

#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "daemon/store/store.h"

namespace gitopsd::powercut {

/// What the store promised. Filled as its answers come, from whichever thread.
struct Ledger {
  std::mutex mutex;
  std::map<std::string, std::vector<EventId>> stored;  ///< delivery id: answered as stored
  std::map<EventId, std::set<store::EventState>>
      states;                                    ///< what each may be in: last answered, or tried since
  std::map<std::string, std::string> documents;  ///< digest: bytes, answered
  int audited = 0;
  SyncId succeeded;
  bool failed = false;  ///< the store said that it could not write
};

/// Works on the store until it is done or the store fails. `first` numbers the deliveries.
void work(store::Store& store, std::mt19937_64& random, Ledger& ledger, int first);

/// Every promise of the ledger that the store does not keep, one line each.
std::string broken_promises(store::Store& store, Ledger& ledger);

}  // namespace gitopsd::powercut
