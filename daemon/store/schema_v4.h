// Version 4: which destination each name stands for, and since when.
#pragma once

namespace gitopsd::store {

inline constexpr char kSchemaV4[] = R"sql(
CREATE TABLE destinations(name TEXT PRIMARY KEY, identity TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
)sql";

}  // namespace gitopsd::store
