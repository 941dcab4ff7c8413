// Typed reading of a kubeconfig's mappings, with errors that name the place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "base/value.h"

namespace gitopsd::kubernetes {

/// The members of one mapping. A missing or null member reads as empty, as Go's zero value; a wrong type
/// throws Failure (cause input). Refers to the value that it is made from.
class Fields {
 public:
  /// `what` starts the messages: "user 'admin' of context 'prod'". A null value is an empty mapping.
  Fields(const Value& value, std::string file, std::string what);

  std::string text(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  /// Base64, with line ends in it ignored as Go does.
  std::string bytes(std::string_view key) const;
  /// Items of a list of mappings.
  std::vector<Fields> items(std::string_view key) const;
  /// A member that is a mapping, or an empty one.
  Fields section(std::string_view key) const;
  bool has(std::string_view key) const { return value_->find(key) != nullptr; }
  const Value& value() const { return *value_; }
  const std::string& file() const { return file_; }
  /// The same mapping under another name for messages.
  Fields named(std::string what) const;

  /// The problem of the member `key`, or of the mapping itself where the key is empty or not there.
  Failure refusal(std::string_view key, const std::string& message, std::string hint = {}) const;

 private:
  Failure wrong_type(std::string_view key, const Value& found, std::string_view wanted) const;

  const Value* value_;
  std::string file_, what_;
};

}  // namespace gitopsd::kubernetes
