// The fields of one live object that its application's policy leaves to others.
//
// Such a field is declared like any other, and set when the object is created. Afterwards it is none of ours:
// it is taken out of our entry in managedFields before an apply leaves it out, since a field that an applier
// owned alone and no longer names is removed by the server. Without an owner, or with another one, it stays
// as it is, and what is not ours is no drift.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "providers/kubernetes/ignore.h"
#include "providers/kubernetes/managed_fields.h"

namespace gitopsd::kubernetes {

class LeftToOthers {
 public:
  /// Both have to outlive it.
  LeftToOthers(const Ignored& ignored, const Value& live);

  /// What of our entry is to be released.
  std::vector<FieldPath> ours() const;
  /// What we own of another version of the object but for that.
  Value rest_of_ours(const Value& object) const;
  /// The managedFields without what is to be released.
  Value released(const Value& managed_fields) const;
  /// The manifest as it is applied.
  Value left_out(const Value& manifest) const;
  /// The manifest for a dry run before the release: with the live values of what we still own.
  Value as_it_is(const Value& manifest) const;
  /// This or another version of the object without them.
  Value without(const Value& object) const;
  /// These paths but for what is left to others.
  std::vector<FieldPath> others(std::vector<FieldPath> paths) const;

 private:
  const Ignored& ignored_;
  const Value& live_;
  std::vector<FieldPath> managed_;  ///< leaves of the managers
};

/// What the managers of the rules manage of the object, by leaf.
std::vector<FieldPath> leaves_of_managers(const Ignored&, const Value& live);

/// The first pointer into a field that the cluster keeps as one value (an atomic list or mapping), as the
/// answer to our apply shows, and that value's pointer.
struct Cut {
  std::string pointer, whole;
};
std::optional<Cut> cut(const Ignored&, const Value& manifest, const Value& answered);

}  // namespace gitopsd::kubernetes
