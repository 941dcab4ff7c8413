// The key that a delivery is found by. Ids that grow with time keep inserts at the end of the index, which is
// what keeps the rate at ten million rows; random ids are therefore gathered under the week of their receipt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/types.h"

namespace gitopsd::store {

/// The id without any week: 17 bytes for a lower-case UUID (version 1 re-ordered as RFC 9562 version 6, so
/// that it sorts by time), else `t` and the text.
struct DeliveryKey {
  explicit DeliveryKey(const DeliveryId& id);
  /// Whether the key sorts by time by itself. If not, the same id may stand under any retained week.
  bool timed() const { return bytes.front() == 'v'; }
  std::string bytes;
};

/// The key as the index holds it, for a delivery received at that time.
std::string indexed_key(const DeliveryKey& key, int week);
int week_of(WallMicros received);
/// The reverse of indexed_key.
DeliveryId delivery_id(std::string_view indexed);

}  // namespace gitopsd::store
