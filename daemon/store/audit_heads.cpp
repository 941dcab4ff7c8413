#include "daemon/store/audit_heads.h"

namespace gitopsd::store {
namespace {

using namespace std::chrono_literals;

constexpr WallMicros kDay = 24 * 3'600'000'000LL;

}  // namespace

std::optional<AuditEntry> AuditHeads::due() {
  const WallMicros now = clock_.wall();
  const std::int64_t today = now / kDay;
  if (day_ == today || clock_.monotonic() < next_try_) return std::nullopt;
  next_try_ = clock_.monotonic() + 1min;
  auto head = store_.audit_head(day_ ? today * kDay : now + 1);
  day_ = today;
  next_try_ = {};
  return head;
}

}  // namespace gitopsd::store
