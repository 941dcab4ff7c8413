// One kind's judgements as a table: an object, what is changed in it, and what is said then.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "providers/kubernetes/health.h"
#include "providers/protocol/words.h"
#include "tests/unit/kubernetes/objects.h"

namespace gitopsd::kubernetes {

inline constexpr WallMicros kJudgedAt = 1'795'521'600'000'000;  // 2026-11-24T12:00:00Z

struct HealthRow {
  Edits edits;
  protocol::Health health;
  std::string reason;
};

inline void check_health(const std::string& yaml, const std::vector<HealthRow>& rows) {
  const Value object = object_of(yaml);
  for (const HealthRow& row : rows) {
    const Judgement judgement = judge_health(edited(object, row.edits), {}, kJudgedAt);
    CAPTURE(row.reason);
    CHECK(protocol::word_of(judgement.health) == protocol::word_of(row.health));
    CHECK(judgement.reason == row.reason);
  }
}

}  // namespace gitopsd::kubernetes
