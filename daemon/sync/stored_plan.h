// What the store keeps as a sync's plan: its steps, and of one that failed what its error tells in short.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "providers/protocol/messages.h"

namespace gitopsd::sync {

/// Of a sync that failed, since all of its commit is applied but what it leaves out.
struct AppliedInPart {
  std::int64_t left_out = 0;  ///< documents, or files that cannot be read
  std::string tried;          ///< tried_key() of it; empty where that is not known
  bool may_pass = false;      ///< what is left out may come right without another commit
  std::string version{};      ///< of the gitopsd that tried: another may take what that one did not
};

struct StoredPlan {
  std::vector<protocol::Step> steps;
  std::vector<std::string> problems;  ///< all of them, a line each, where the error tells them in short
  std::optional<AppliedInPart> in_part;
};

std::string encode_plan(const StoredPlan&);
/// What another version wrote and this one does not know is nothing.
StoredPlan decode_plan(const std::string& json);

}  // namespace gitopsd::sync
