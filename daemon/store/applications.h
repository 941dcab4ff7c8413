// Rows of applications, within a transaction.
#pragma once

#include "daemon/store/transaction.h"

namespace gitopsd::store {

/// Writes all but the last_* fields; returns the row's number.
std::int64_t write_application(Transaction& transaction, const ApplicationState& state);

}  // namespace gitopsd::store
