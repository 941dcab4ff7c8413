// Fields of an object that may have any shape: what is of another type counts as not there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/value.h"

namespace gitopsd::kubernetes {

/// Empty where nothing is there.
std::string text_at(const Value& object, std::string_view pointer);
std::int64_t number_at(const Value& object, std::string_view pointer, std::int64_t fallback = 0);
bool flag_at(const Value& object, std::string_view pointer);
const Value::Array& list_at(const Value& object, std::string_view pointer);

/// "apps" of "apps/v1", empty for "v1".
std::string group_of(const Value& object);

/// One of status.conditions; empty texts where there is none of that type.
struct Condition {
  std::string status, reason, message;
  bool is_true() const { return status == "True"; }
  bool is_false() const { return status == "False"; }
  /// "REASON: MESSAGE", or what there is of it.
  std::string str() const;
};
Condition condition_of(const Value& object, std::string_view type);

}  // namespace gitopsd::kubernetes
