// Namespaces that what is planned is in: one that goes is waited for, and one that is not there comes first.
#include <algorithm>

#include "providers/kubernetes/object_planner.h"

namespace gitopsd::kubernetes {

using protocol::WireProblem;

std::set<std::string> ObjectPlanner::spaces_of_hooks_and(const std::vector<Asking>& asked) const {
  std::set<std::string> names;
  for (const auto& each : asked) names.insert(each.manifest->id.space);
  if (request_.mode != protocol::PlanMode::heal)
    for (const auto& [id, manifest] : wanted_)
      if (manifest.hook.any()) names.insert(id.space);
  names.erase(std::string());
  return names;
}

/// Whether somebody deletes the namespace that this is in, or is. It is told once for all that is in there.
bool ObjectPlanner::waits_for_space(const std::string& name, const Id& id) {
  const auto space = spaces_.find(name);
  if (space == spaces_.end() || space->second.state != Space::State::going) return false;
  if (!told_.insert(name).second) return true;
  auto problem = problem_at(id, ProblemCause::transient, "waits for " + space->second.text,
                            "what is declared of it is made when it has gone");
  problem.retry_after_seconds = kSpaceMayBeGone;
  result_.problems.push_back(std::move(problem));
  return true;
}

/// A problem, unless it comes before the manifest does.
bool ObjectPlanner::has_no_space(const Manifest& manifest, const HttpResponse& dry_run) {
  if (dry_run.status != 404 || !manifest.known) return false;
  const auto space = wanted_.find(Id{{"", "Namespace"}, "", manifest.id.space});
  const auto& times = manifest.hook.times;
  const bool early = std::find(times.begin(), times.end(), protocol::Hook::pre) != times.end();
  const bool comes = space != wanted_.end() && (!early || space->second.hook.any());
  if (comes || (request_.partial && !manifest.id.space.empty())) return true;
  // Somebody else may make it; one that is ours is about to be put back.
  const bool ours = state_.watch.receipt({kNamespace, {}, manifest.id.space}).has_value();
  auto problem =
      problem_at(manifest.id, ours ? ProblemCause::transient : ProblemCause::destination,
                 "the namespace '" + manifest.id.space + "' of " + manifest.id.str() + " does not exist" +
                     (space == wanted_.end() ? "" : " when it runs"),
                 space == wanted_.end()
                     ? "create it, or declare it as a Namespace beside"
                     : "what runs before the sync comes before the Namespace: make that one a hook of "
                       "the same time, or this one `gitopsd.io/hook: sync`");
  problem.pointer = "/metadata/namespace";
  if (ours) problem.retry_after_seconds = kSpaceMayBeGone;
  result_.problems.push_back(std::move(problem));
  return true;
}

}  // namespace gitopsd::kubernetes
