// What the newest operation on a stack is at, for people.
#pragma once

#include <string>
#include <vector>

#include "providers/aws/cloudformation.h"

namespace gitopsd::aws {

/// The event of what went wrong first; nullptr where nothing did. `events`: newest first.
const StackEvent* first_cause(const std::vector<StackEvent>& events);
/// The same for people: "Queue (AWS::SQS::Queue): it exists already". Empty where nothing did. `events`:
/// newest first.
std::string first_failure(const std::vector<StackEvent>& events);
/// What failed, what is under way, and how many resources are done. Empty where the events tell of none.
std::string progress_text(const std::vector<StackEvent>& events);

}  // namespace gitopsd::aws
