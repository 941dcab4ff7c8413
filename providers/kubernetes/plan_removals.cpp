// The steps of what is no longer declared.
#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/going.h"
#include "providers/kubernetes/object_fields.h"
#include "providers/kubernetes/object_planner.h"
#include "providers/kubernetes/order.h"
#include "providers/kubernetes/propagation.h"

namespace gitopsd::kubernetes {

using protocol::Action;
using protocol::Destroys;
using protocol::PlanMode;
using protocol::Step;

void ObjectPlanner::look_at_removals() {
  std::vector<HttpRequest> requests;
  std::vector<Id> asked;
  for (const auto& resource : request_.remove) {
    const auto id = Id::parse(resource.str());
    if (!id) throw fail(ProblemCause::input, "'" + resource.str() + "' is no id of this provider");
    const KindInfo* kind = kinds_->find(id->type);
    if (!kind)
      kind = (kinds_ = state_.cluster.kinds_not_older_than(std::chrono::milliseconds(500)))->find(id->type);
    if (const auto breach = policy_.breach(*id, !id->space.empty())) {
      result_.problems.push_back(problem_at(*id, ProblemCause::permission, breach->message, breach->hint));
      continue;
    }
    if (!kind) {
      HttpResponse gone;
      gone.status = 404;
      remove(*id, gone);
      continue;
    }
    asked.push_back(*id);
    requests.push_back(read_request(*kinds_, *id, {}, policy_));
  }
  const auto answers = send_all(state_.cluster.http(), std::move(requests));
  for (const bool holders : {false, true})  // of what is in them it is known then whether it goes, too
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (holds_objects(asked[i].type) == holders) remove(asked[i], answers[i]);
}

/// With what nobody asked to delete in it, it is not deleted either, unless the policy says so.
void ObjectPlanner::look_into(const Id& id, const Value& live, Step& step, Precondition& precondition) {
  const auto contents = contents_of(state_.cluster, policy_, id, live, going_);
  if (contents.none()) return;
  precondition.holds = contents.ids;
  if (policy_.deletes_foreign(id.type)) {
    step.reason += "; " + contents.text();
    return;
  }
  precondition.refused = true;
  step.reason += "; refused: " + contents.text();
  step.destroys = Destroys::nothing;
  ++step.wave;  // what may go goes first
}

void ObjectPlanner::remove(const Id& id, const HttpResponse& live) {
  auto step =
      step_for(id, Action::remove,
               request_.mode == PlanMode::remove ? "the application is deleted" : "no longer declared",
               removal_wave(id.type));
  step.precondition = Precondition().text();
  if (live.status == 404) {
    step.reason += "; already gone";
  } else if (live.status != 200) {
    for (auto& problem : state_.cluster.problems_of(live, "cannot read " + id.str())) {
      problem.id = id.str();
      result_.problems.push_back(std::move(problem));
    }
    return;
  } else {
    const Value object = parse_go_json(live.body, id.str());
    if (!is_ours(object, id)) {
      step.reason += "; left alone, since it is not ours";
      Precondition keep;
      keep.keep = true;
      step.precondition = keep.text();
    } else if (is_going(object)) {
      going_.insert(text_at(object, "/metadata/uid"));
      step.action = Action::none;
      step.reason = going_text(object);
    } else {
      auto precondition = Precondition::of(object, state_.digests);
      going_.insert(precondition.uid);
      precondition.propagation = propagation_of(object, policy_);
      if (holds_data(id.type)) step.destroys = Destroys::data;
      if (holds_objects(id.type)) look_into(id, object, step, precondition);
      step.precondition = precondition.text();
    }
  }
  result_.steps.push_back(std::move(step));
}

}  // namespace gitopsd::kubernetes
