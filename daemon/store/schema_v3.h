// Version 3: in which applications an event failed, and with which sync, or after which.
#pragma once

namespace gitopsd::store {

inline constexpr char kSchemaV3[] = R"sql(
CREATE TABLE failures(event INTEGER, app INTEGER, sync INTEGER NOT NULL, PRIMARY KEY(event, app)) WITHOUT ROWID;
)sql";

}  // namespace gitopsd::store
