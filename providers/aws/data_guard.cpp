#include "providers/aws/data_guard.h"

#include <algorithm>

#include "providers/aws/data_types.h"

namespace gitopsd::aws {
namespace {

bool is_among(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
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

Destroys DataGuard::of(const ChangeSet& set) const {
  auto worst = Destroys::nothing;
  for (const auto& change : set.changes) {
    if (!change.deletes() && !change.replaces() && !change.hides()) continue;
    const bool data = holds_data(change.type) || is_among(types_, change.type);
    if (data && !lets(change)) return Destroys::data;
    worst = Destroys::restart;
  }
  return worst;
}

Destroys DataGuard::of_deletion() const {
  return remove_ ? Destroys::restart : Destroys::data;
}

}  // namespace gitopsd::aws
