// The steps of hooks: a run for each time of each.
#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/object_fields.h"
#include "providers/kubernetes/object_planner.h"
#include "providers/kubernetes/order.h"

namespace gitopsd::kubernetes {

/// Each is tried as the new object that it will be; what the run before left is not in its way.
void ObjectPlanner::look_at_hooks() {
  std::vector<const Manifest*> hooks;
  std::vector<HttpRequest> reads, tries;
  for (const auto& [id, manifest] : wanted_) {
    if (!manifest.hook.any()) continue;
    if (request_.mode == protocol::PlanMode::heal) {
      result_.steps.push_back(step_for(id, protocol::Action::none, "a hook is not kept as declared", 0));
    } else if (!manifest.known) {
      add_runs(manifest, {});
    } else {
      hooks.push_back(&manifest);
      reads.push_back(read_request(*kinds_, id, manifest.version, policy_));
    }
  }
  const auto live = send_all(state_.cluster.http(), std::move(reads));
  for (std::size_t i = 0; i < hooks.size(); ++i)
    tries.push_back(live[i].status == 200 && !holds_data(hooks[i]->id.type)
                        ? as_new(*hooks[i])
                        : apply_request(*hooks[i], request_.owner, policy_, {}, true));
  const auto tried = send_all(state_.cluster.http(), std::move(tries));
  for (std::size_t i = 0; i < hooks.size(); ++i) hook(*hooks[i], live[i], tried[i]);
}

void ObjectPlanner::hook(const Manifest& manifest, const HttpResponse& live, const HttpResponse& dry_run) {
  if (waits_for_space(manifest.id.space, manifest.id)) return;
  if (live.status != 200 && live.status != 404) return unreadable(manifest, live, dry_run);
  Precondition there;
  if (live.status == 200) {
    const Value object = parse_go_json(live.body, manifest.id.str());
    protocol::WireProblem problem;
    if (!of_other(object, manifest.id, problem) && !is_ours(object, manifest.id))
      problem = problem_at(manifest.id, ProblemCause::conflict,
                           manifest.id.str() + " exists and is not ours: a hook does not replace it",
                           "delete it, or give the hook another name");
    if (!problem.message.empty()) return result_.problems.push_back(std::move(problem));
    there.uid = text_at(object, "/metadata/uid");
  }
  const auto problems = result_.problems.size();
  const bool no_space = has_no_space(manifest, dry_run);
  if (!no_space && dry_run.status != 200 && dry_run.status != 201) return refused(manifest, dry_run);
  if (problems == result_.problems.size()) add_runs(manifest, there);
}

void ObjectPlanner::add_runs(const Manifest& manifest, const Precondition& there) {
  for (const auto time : manifest.hook.times) {
    auto step = step_for(manifest.id, protocol::Action::run, "a hook, " + when(time), wave_of(manifest));
    step.key = "run " + std::string(to_string(time)) + " " + manifest.id.str();
    step.hook = time;
    step.rerun = protocol::Rerun::check;
    step.precondition = there.text();
    result_.steps.push_back(std::move(step));
  }
}

}  // namespace gitopsd::kubernetes
