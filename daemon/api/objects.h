// The JSON objects of docs/api.md. A field that does not apply is null, never left out.
#pragma once

#include <map>
#include <string>

#include "base/value.h"
#include "daemon/api/names.h"
#include "daemon/server/server.h"
#include "daemon/store/store.h"
#include "daemon/sync/dispatcher.h"

namespace gitopsd::api {

// Null where there is nothing to say.
Value text_or_null(std::string_view text);
Value time_or_null(WallMicros when);
Value id_or_null(std::int64_t id);
/// From `start` to `end` in milliseconds, or null where one of them is not known.
Value span_ms(WallMicros start, WallMicros end);

/// All eight states, also those that no event is in.
std::map<std::string, std::int64_t> event_counts(const store::Store::Counts&);
/// The API's word: lower case, as all its words.
std::string_view status_word(sync::SyncStatus);

Value conditions_list(const std::vector<sync::ConditionStatus>&);
Value application_object(const sync::ApplicationStatus&);
Value heals_object(const store::Store::Heals&);
/// What became of an event that failed.
struct CameRight {
  std::string reason;   ///< the event's, with that
  WallMicros when = 0;  ///< when all had come right; 0: not all has
};
CameRight came_right(const store::Event&, const store::Store&);
Value event_object(const store::Event&, const Names&, const store::Store&);
/// `steps`: whether to unfold the stored plan.
Value sync_object(const store::Sync&, const Names&, const store::Store&, bool steps);
Value step_object(const protocol::Step&);
Value inventory_object(const store::InventoryEntry&);
Value plan_object(const sync::PlanView&, const ApplicationName&);
Value progress_object(const sync::ProgressLine&, const Names&);
Value counters_object(const server::Counters&);
Value refused_object(const server::Refused&);

}  // namespace gitopsd::api
