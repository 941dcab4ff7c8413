// What the newest operation on a stack is at, for people.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "providers/aws/cloudformation.h"

namespace gitopsd::aws {

/// The event of what went wrong first; nullptr where nothing did. `events`: newest first.
const StackEvent* first_cause(const std::vector<StackEvent>& events);
/// Why it failed. Where it only names the Hooks that refused, with what events of theirs say.
std::string reason_of(const StackEvent& cause, const std::vector<StackEvent>& events);
/// Whether the operation with this token left the stack in this status. `events`: of the newest one, newest
/// first.
bool has_come_to(const std::string& status, const std::string& token, const std::vector<StackEvent>& events);
/// Where a resource is declared, by its logical id; empty where that is not known.
using PlaceOf = std::function<std::string(const std::string& logical_id)>;
/// "Queue (AWS::SQS::Queue) at templates/app.yaml:12"
std::string named(const std::string& logical_id, const std::string& type, const std::string& place);
/// The same for people: "Queue (AWS::SQS::Queue) at templates/app.yaml:12: it exists already". Empty where
/// nothing did. `events`: newest first; `in`: of a nested stack, `Store/`.
std::string first_failure(const std::vector<StackEvent>& events, const PlaceOf& place_of = {},
                          const std::string& in = {});
/// What failed, what is under way, and how many resources are done. Empty where the events tell of none.
std::string progress_text(const std::vector<StackEvent>& events);

}  // namespace gitopsd::aws
