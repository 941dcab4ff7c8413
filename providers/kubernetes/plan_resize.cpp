// The step of a Pod whose resources are others than declared.
#include "base/json.h"
#include "providers/kubernetes/fields_diff.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/object_planner.h"
#include "providers/kubernetes/order.h"
#include "providers/kubernetes/resize.h"

namespace gitopsd::kubernetes {

/// False where something else is in the way of the apply, too, or the resources cannot be changed so: as it
/// would be with the resources that it has, and with the declared ones, the server says.
bool ObjectPlanner::resize(const Manifest& manifest, const Value& live, bool ours) {
  const Id& id = manifest.id;
  const LeftToOthers left(policy_.ignored(id), live);
  Manifest sent = manifest;
  sent.object = left.left_out(manifest.object);
  Manifest rest = sent;
  take_resources(rest.object, live);
  const auto answers = send_all(
      state_.cluster.http(),
      {resize_request(sent, policy_, {}, true), apply_request(rest, request_.owner, policy_, {}, true)});
  const HttpResponse &resized = answers[0], &applied = answers[1];
  if (applied.status != 200 || (resized.status != 200 && resized.status != 403)) return false;
  if (resized.status == 403) {
    for (auto& problem : state_.cluster.problems_of(resized, "cannot resize " + id.str())) {
      problem.id = id.str();
      problem.document = manifest.document;
      result_.problems.push_back(std::move(problem));
    }
    return true;
  }
  Value then = parse_go_json(applied.body, id.str());
  take_resources(then, parse_go_json(resized.body, id.str()));
  const Value was = without_marks(left.without(live)), is = without_marks(left.without(then));
  auto step = step_for(id, protocol::Action::update, "resized: " + changed_paths(was, is), wave_of(manifest));
  if (!ours) step.reason = "exists, not ours: " + step.reason + "; " + adoption(manifest);
  step.diff = fields_diff(was, is, false);
  auto precondition = Precondition::of(live, state_.digests, policy_.ignored(id));
  precondition.resize = true;
  add(std::move(step), precondition);
  return true;
}

}  // namespace gitopsd::kubernetes
