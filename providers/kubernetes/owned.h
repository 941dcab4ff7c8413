// What of a live object is ours: the fields that our entry in managedFields names, and their values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/value.h"
#include "providers/kubernetes/ignore.h"
#include "providers/kubernetes/managed_fields.h"

namespace gitopsd::kubernetes {

/// The provider's memory of one object after a write of ours. Travels as a receipt.
struct Receipt {
  std::string version;  ///< of the API that it was applied with, "apps/v1"
  std::string uid;
  std::string resource_version;
  std::string entry;  ///< digest of our managedFields entry
  std::string owned;  ///< digest of the values that it names, and of our list items' order
  std::vector<std::string>
      bare;             ///< short digests of the leaves that were applied as {}: only their presence counts
  std::string ignored;  ///< the key of what was left to others; empty where nothing is
  std::string
      leaves;  ///< where managers' fields are: each leaf that was ours, short, in the order of the walk
  std::string hook{};  ///< HookSpec::memory() of a hook's object

  std::string text() const;
  static std::optional<Receipt> parse(const std::string& text);
  bool operator==(const Receipt&) const = default;
};

/// Digests are HMACs under the provider's key: values of Secrets are among them.
class OwnedDigests {
 public:
  explicit OwnedDigests(Secret key) : key_(std::move(key)) {}
  /// Of a full object as the server answered our apply. `applied`: what was sent. nullopt without an entry.
  std::optional<Receipt> receipt(const Value& object, const Value& applied, const Ignored& = {}) const;
  std::string entry(const Value& fields) const;
  /// By the fields of the object's own entry.
  std::string owned(const Value& object, const Value& fields, const std::vector<std::string>& bare) const;
  /// Whether all that differs from the receipt is that managers, whose fields are theirs, took some of ours.
  bool only_yielded(const Value& object, const Receipt&, const Ignored&) const;

 private:
  std::string digest(std::string_view bytes) const;
  std::vector<std::string> leaves(const Value& object, const Value& fields,
                                  const std::vector<std::string>& bare) const;
  Secret key_;
};

}  // namespace gitopsd::kubernetes
