// CloudFormation's actions that this provider needs, typed.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "providers/aws/client.h"

namespace gitopsd::aws {

using Texts = std::map<std::string, std::string>;

struct StackFacts {
  std::string id;  ///< ARN: another one when a stack of that name is made anew
  std::string name, status, status_reason;
  std::string updated;  ///< as AWS wrote it: of the last update, else of the creation
  Texts parameters, tags, outputs;
  std::string role;
  std::vector<std::string> notifications;
  bool protection = false;    ///< against deletion
  std::string drift;          ///< DRIFTED, IN_SYNC, NOT_CHECKED, as drift detection found it last
  std::string drift_checked;  ///< when it last began, as AWS wrote it; empty: never
};

/// What an operation on it is at, by the end of its status (`UPDATE_ROLLBACK_COMPLETE`).
enum class StackPhase {
  review,       ///< made by a change set that was never executed: there is nothing in it
  busy,         ///< an operation is under way
  well,         ///< the last operation did what it was to do
  stillborn,    ///< its creation failed, and there is nothing in it: it can only be deleted
  rolled_back,  ///< it did not, and the stack is as it was before
  halted,  ///< it stopped where it failed, as the declaration wanted it: the next change goes on from there
  stuck,   ///< its rollback failed, and can be continued
  broken   ///< somebody has to act
};
StackPhase phase_of(const std::string& status);

struct PropertyChange {
  std::string name, before, after;  ///< values where AWS told them
  std::string recreation;           ///< Never, Conditionally, Always
  std::string cause;                ///< what it comes from: a parameter, another resource
};
struct ResourceChange {
  std::string action;                         ///< Add, Modify, Remove, Import, Dynamic, SyncWithActual
  std::string logical_id, type, physical_id;  ///< of a nested stack's resource: `Parent/Child`
  std::string replacement;                    ///< True, Conditional, False
  std::string policy_action;                  ///< Delete, Retain, Snapshot, ReplaceAndDelete, ...
  std::vector<PropertyChange> properties;
  std::string nested{};  ///< id of the change set of a nested stack
  std::string drift{};   ///< in a drift-aware change set: IN_SYNC, MODIFIED, DELETED, ...
  /// Or may: what it depends on is known only when it is done.
  bool replaces() const;
  /// With `DeletionPolicy: Retain` CloudFormation lets go of it instead.
  bool deletes() const;
  /// A nested stack that is changed, without a word about what changes in it.
  bool hides() const;
};
struct ChangeSet {
  std::string id, stack_id, status, reason;
  std::vector<ResourceChange> changes;
  /// It failed for want of any change.
  bool empty() const;
};

/// What CloudFormation's checks, or hooks, found wrong while it made a change set.
struct ChangeSetFinding {
  std::string resource, type;
  std::string check;    ///< NAME_CONFLICT_VALIDATION, or the hook's type
  std::string pointer;  ///< in the template: /Resources/Queue/Properties/QueueName
  std::string reason;
};

struct NewChangeSet {
  std::string stack, name;
  bool creates = false;  ///< the stack
  std::string template_body;
  std::string template_url;  ///< where it is, instead of sending it
  Texts parameters, tags;
  std::vector<std::string> capabilities;
  std::string role, token;
  std::optional<std::vector<std::string>> notifications;  ///< nullopt: as they are
  std::string on_failure;                                 ///< empty: ROLLBACK, or what it is executed with
  bool imports = false;                                   ///< ImportExistingResources
  bool with_nested = false;                               ///< change sets of nested stacks, too
  bool reverts_drift = false;                             ///< DeploymentMode: REVERT_DRIFT
};
struct ChangeSetName {
  std::string id, stack_id;
};

struct StackEvent {
  std::string resource, type, status, reason, token;
  bool of_stack = false;  ///< itself, and not of a resource
  std::string physical_id{};
  /// The type of the Hook that it is about, and why that refused; empty: of none, and it did not.
  /// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html
  std::string hook{}, hook_reason{};
};

struct StackResource {
  std::string logical_id, type, physical_id;
  /// NOT_CHECKED, UNSUPPORTED: drift detection does not know its type; UNKNOWN: it could not read it
  std::string drift;
};

/// A property that is not as it was applied, or a resource that is not there.
struct PropertyDifference {
  std::string path, expected, actual;
};
struct ResourceDrift {
  std::string logical_id, type, physical_id;
  std::string status;  ///< MODIFIED, DELETED
  std::vector<PropertyDifference> differences;
};

struct DriftDetectionStatus {
  std::string status, reason;  ///< DETECTION_IN_PROGRESS, DETECTION_FAILED, DETECTION_COMPLETE
  std::string drift;           ///< DRIFTED, IN_SYNC
};

inline constexpr std::string_view kNestedStack = "AWS::CloudFormation::Stack";

/// Whether it was refused because an operation on the stack is under way.
bool is_busy(const ApiError&);
/// Whether there is no such stack, or none any more.
bool is_unknown(const ApiError&);
/// Whether it was done already, with the same request token.
bool is_repeated(const ApiError&);

class CloudFormation {
 public:
  /// `region` empty: the destination's.
  CloudFormation(Client& client, std::string region) : client_(client), region_(std::move(region)) {}

  /// nullopt where there is none. By name or, also once it is deleted, by id.
  std::optional<StackFacts> stack(const std::string& name, const Cancelled& = {});
  std::vector<StackFacts> stacks(const Cancelled& = {});
  std::string template_of(const std::string& stack, const Cancelled& = {});

  /// nullopt: AWS said at once that nothing would change.
  std::optional<ChangeSetName> create_change_set(const NewChangeSet&, const Cancelled& = {});
  /// Whole, all its pages.
  ChangeSet change_set(const std::string& id, const Cancelled& = {});
  /// The same once it is made, or failed. Throws Failure (transient) at the deadline.
  ChangeSet finished_change_set(const std::string& id, Deadline, const Cancelled& = {});
  /// Why it failed, where CloudFormation's own checks or hooks were the reason, the first hundred or so;
  /// warnings are left out.
  /// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
  std::vector<ChangeSetFinding> findings(const std::string& change_set, const Cancelled& = {});
  void delete_change_set(const std::string& id, const Cancelled& = {});
  /// Waits until it is gone, or a while: with those of nested stacks that takes its time.
  /// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
  void delete_with_nested(const std::string& id, const Cancelled& = {});
  /// Whether any of a stack may be executed, or is being made. `stack`: its id.
  /// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html
  bool has_change_sets(const std::string& stack, const Cancelled& = {});
  /// `keeps`: where it fails, instead of rolling back. A stack that has stopped so is changed in no other
  /// way. https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
  void execute_change_set(const std::string& id, const std::string& token, bool keeps, const Cancelled& = {});

  void delete_stack(const std::string& id, const std::string& token, const Cancelled& = {});
  /// Of UPDATE_ROLLBACK_FAILED. `skip`: resources that are left as they are.
  void continue_rollback(const std::string& id, const std::vector<std::string>& skip, const std::string& role,
                         const std::string& token, const Cancelled& = {});
  void protect(const std::string& id, bool on, const Cancelled& = {});
  void set_policy(const std::string& id, const std::string& policy, const Cancelled& = {});

  /// Newest first: those of the operation with this token; of the newest operation where that is empty.
  std::vector<StackEvent> events(const std::string& stack, const std::string& token, const Cancelled& = {});
  /// Newest first: back to where the last operation of this kind (CREATE, UPDATE, DELETE) began, whatever
  /// came after it.
  std::vector<StackEvent> events_since(const std::string& stack, const std::string& kind,
                                       const Cancelled& = {});
  /// Those that are there; of a stack that is deleted, too: those that were kept.
  std::vector<StackResource> resources(const std::string& stack, const Cancelled& = {});

  /// Begins it; what it is known by.
  /// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DetectStackDrift.html
  std::string detect_drift(const std::string& stack, const Cancelled& = {});
  DriftDetectionStatus drift_detection(const std::string& id, const Cancelled& = {});
  /// What the last detection found to be modified or deleted.
  std::vector<ResourceDrift> drifts(const std::string& stack, const Cancelled& = {});

 private:
  /// Asks for page after page, until there is none or `take` wants no more. Throws Failure where they never
  /// end.
  void each_page(const std::string& action, const Fields& parameters, const Cancelled&,
                 const std::function<bool(const Value&)>& take);
  Value call(const std::string& action, const Fields& parameters, const Cancelled& cancelled) {
    return client_.call(kCloudFormation, action, parameters, cancelled, region_);
  }

  Client& client_;
  const std::string region_;
};

}  // namespace gitopsd::aws
