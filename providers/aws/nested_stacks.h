// Stacks within stacks: what is done to the resources of nested ones. Each is told as `Parent/Child`, by its
// logical id and that of the stack which it is in.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/aws/cloudformation.h"
#include "providers/aws/operation.h"

namespace gitopsd::aws {

/// Whether this template has nested stacks, or what a transform makes of it may have some. Without them the
/// change set is an ordinary one, which is deleted at once.
bool may_nest(std::string_view template_text);

/// A change set with the changes in nested stacks, each behind the one of its stack; of a nested stack that
/// goes, or is replaced, its resources. Throws Failure where CloudFormation made no change set of one.
/// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
ChangeSet with_nested(CloudFormation&, ChangeSet root, Deadline, const Cancelled& = {});

/// Why a change set failed.
struct ChangeSetFailure {
  std::string why;      ///< "Nested/Inner: REASON; Queue (AWS::SQS::Queue) at app.yaml:12: REASON"
  bool nested = false;  ///< change sets of nested stacks did, of which the root's says no more than that
};
/// With what CloudFormation's own checks found, where it tells. `place_of`: of a resource, and of a pointer
/// in the template of the nested stack that it is in.
using PointerPlace = std::function<std::string(const std::string& nested, const std::string& pointer)>;
ChangeSetFailure why_failed(CloudFormation&, const ChangeSet& root, const PointerPlace&, Deadline,
                            const Cancelled& = {});

struct StackContents {
  std::vector<StackResource> resources;
  std::vector<std::string> retained;  ///< ids of those that stay when the stack is deleted
};
/// With the resources of nested stacks.
/// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
StackContents contents_of(CloudFormation&, const std::string& stack, const Cancelled& = {});

/// What went wrong first: the resource of a nested stack, where its stack failed because of it. `events`: of
/// the operation, newest first.
/// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
std::string first_failure(CloudFormation&, std::vector<StackEvent> events, const PlaceOf&,
                          const Cancelled& = {});

}  // namespace gitopsd::aws
