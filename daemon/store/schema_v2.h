// Version 2: who handed an entry of the inventory over, and at which commit of its new owner.
#pragma once

namespace gitopsd::store {

inline constexpr char kSchemaV2[] = R"sql(
ALTER TABLE inventory ADD COLUMN handed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory ADD COLUMN handed_at TEXT NOT NULL DEFAULT '';
CREATE INDEX inventory_handed ON inventory(app) WHERE handed_by <> '';
)sql";

}  // namespace gitopsd::store
