// Whose an object is.
#include "providers/kubernetes/object_fields.h"
#include "providers/kubernetes/object_planner.h"

namespace gitopsd::kubernetes {

using protocol::WireProblem;

namespace {

constexpr const char* kTwoApplications =
    "let one of the two declare it; where the other is gone for good, remove the annotation "
    "gitopsd.io/tracking-id";
constexpr const char* kTwoInstallations =
    "let one of the two declare it; where the other's store is lost, this one can take its place: "
    "store.installation in the configuration, and a restart";

}  // namespace

const protocol::Entry* ObjectPlanner::entry_of(const Id& id) const {
  const auto it = entries_.find(id.resource());
  return it == entries_.end() ? nullptr : it->second;
}

std::string ObjectPlanner::from_of(const Id& id) const {
  const auto* entry = entry_of(id);
  return entry ? entry->from : std::string();
}

std::optional<Receipt> ObjectPlanner::remembered(const Id& id) const {
  const auto* entry = entry_of(id);
  return entry && entry->owned ? Receipt::parse(entry->owned->receipt) : std::nullopt;
}

/// What is remembered of another object would make it look different for ever.
bool ObjectPlanner::is_the_one_applied(const Value& live, const Id& id) const {
  const auto receipt = remembered(id);
  return !receipt || text_at(live, "/metadata/uid") == receipt->uid;
}

/// By its mark, or where somebody took the mark away, by what we remember of it.
bool ObjectPlanner::is_ours(const Value& live, const Id& id) const {
  if (const auto owner = owner_of(live, id)) return stands_for(*owner, request_.owner, from_of(id));
  const auto receipt = remembered(id);
  return receipt && text_at(live, "/metadata/uid") == receipt->uid;
}

bool ObjectPlanner::of_other(const Value& live, const Id& id, WireProblem& problem) const {
  const auto owner = owner_of(live, id);
  if (!owner || stands_for(*owner, request_.owner, from_of(id))) return false;
  std::string whose = "application '" + owner->application + "'";
  const bool elsewhere = owner->installation != request_.owner.installation;
  if (elsewhere) whose += " of another installation ('" + owner->installation + "')";
  problem = problem_at(id, ProblemCause::conflict, id.str() + " belongs to " + whose,
                       elsewhere ? kTwoInstallations : kTwoApplications);
  if (!elsewhere) problem.owner = owner->application;
  problem.pointer = "/metadata/name";
  return true;
}

}  // namespace gitopsd::kubernetes
