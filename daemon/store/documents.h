// Documents by digest. One stays as long as a kept set or an inventory refers to it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "daemon/store/transaction.h"

namespace gitopsd::store {

/// (resource id, packed digest): where a document was used, and so where it may still be.
using DocumentUse = std::pair<std::string, std::string>;

void write_documents(Transaction& transaction, const std::map<std::string, std::string>& documents);
/// Every use by the application, in any version.
std::set<DocumentUse> documents_of(Transaction& transaction, std::int64_t app);
/// Deletes those that nothing refers to any more.
void drop_unused(Transaction& transaction, const std::set<DocumentUse>& candidates);

/// Looks at some documents after `from` that were put before `before` and deletes those that nothing refers
/// to: what was stored for syncs that never succeeded. Returns where to go on, or 0 at the end.
std::int64_t sweep_documents(Transaction& transaction, std::int64_t from, WallMicros before, int limit);

}  // namespace gitopsd::store
