#include "daemon/source/pins.h"

#include "daemon/source/object.h"
#include "daemon/source/refs.h"

namespace gitopsd::source {

Pins::Pins(Depot& depot) {
  const auto lease = depot.lease();
  for (const LocalRef& ref : local_refs(lease, kPinRefs)) pins_[ref.name.substr(kPinPrefix.size())] = ref.id;
}

void Pins::pin(Depot& depot, const std::string& name, const CommitId& commit) {
  const std::string ref = pin_name(name);
  const std::lock_guard lock(mutex_);
  if (const auto found = pins_.find(name); found != pins_.end() && found->second == commit) return;
  const auto lease = depot.lease();
  if (!peel_to_commit(depot, lease, commit))
    throw fail(ProblemCause::input,
               "mirror " + depot.path() + ": commit " + commit.str() + " is not here to be kept");
  write_ref(depot, lease, ref, commit);
  pins_[name] = commit;
}

void Pins::unpin(Depot& depot, const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (pins_.erase(name) == 0) return;
  const auto lease = depot.lease();
  delete_ref(depot, lease, pin_name(name));
}

std::vector<std::string> Pins::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  out.reserve(pins_.size());
  for (const auto& [name, commit] : pins_) out.push_back(name);
  return out;
}

void Pins::carry_over(Depot& fresh) const {
  const std::lock_guard lock(mutex_);
  const auto lease = fresh.lease();
  for (const LocalRef& ref : local_refs(lease, kPinRefs))
    if (!pins_.contains(ref.name.substr(kPinPrefix.size()))) delete_ref(fresh, lease, ref.name);
  for (const auto& [name, commit] : pins_)
    if (object_header(lease, commit)) write_ref(fresh, lease, pin_name(name), commit);
}

}  // namespace gitopsd::source
