#include "providers/aws/data_guard.h"

#include <algorithm>

#include "providers/aws/data_types.h"

namespace gitopsd::aws {
namespace {

bool is_among(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The resource as it is, or may, or what is in it.
bool takes(const ResourceChange& change) {
  return change.deletes() || change.replaces() || change.hides();
}

}  // namespace

using protocol::Destroys;

DataGuard::DataGuard(const DataPolicy& policy, const StackOptions& declared)
    : types_(policy.types), replace_(policy.replace), remove_(policy.remove) {
  if (policy.declared_replace) may_replace_ = declared.may_replace;
  if (policy.declared_remove) may_remove_ = declared.may_delete;
}

bool DataGuard::lets(const ResourceChange& change) const {
  if (change.hides())
    return (remove_ || is_among(may_remove_, change.logical_id)) &&
           (replace_ || is_among(may_replace_, change.logical_id));
  if (change.deletes()) return remove_ || is_among(may_remove_, change.logical_id);
  return replace_ || is_among(may_replace_, change.logical_id);
}

bool DataGuard::holds_data(const std::string& type) const {
  return aws::holds_data(type) || is_among(types_, type);
}

bool DataGuard::loses_data(const ResourceChange& change) const {
  return takes(change) && holds_data(change.type);
}

Destroys DataGuard::of(const ChangeSet& set) const {
  auto worst = Destroys::nothing;
  for (const auto& change : set.changes) {
    if (loses_data(change) && !lets(change)) return Destroys::data;
    if (takes(change)) worst = Destroys::restart;
  }
  return worst;
}

Destroys DataGuard::of_deletion() const {
  return remove_ ? Destroys::restart : Destroys::data;
}

}  // namespace gitopsd::aws
