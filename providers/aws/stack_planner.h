// Plans stacks: the steps that would take each of them to what is declared. plan_stack.cpp has what is
// declared, plan_mend.cpp what failed or drifted, plan_removal.cpp what is to go.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "providers/aws/content.h"
#include "providers/aws/data_guard.h"
#include "providers/aws/stack_looks.h"
#include "providers/aws/verbs.h"

namespace gitopsd::aws {

/// The steps and problems of one stack.
struct PlannedStack {
  std::optional<protocol::Step> step;
  std::optional<protocol::Step> after;  ///< once that one's effect is there
  std::vector<protocol::WireProblem> problems;
  Value made;  ///< {region, changeSet, stack: that is there for nothing else}

  static PlannedStack of(protocol::Step);
  static PlannedStack of(protocol::WireProblem);
};

class StackPlanner {
 public:
  StackPlanner(State& state, const protocol::PlanRequest& request, protocol::CallContext& context)
      : state_(state), request_(request), context_(context) {
    for (const auto& id : request.remove)
      if (!is_content(id)) remove_.push_back(id);
  }

  protocol::PlanResult run();

 private:
  void read_documents(std::vector<protocol::WireProblem>&);
  std::vector<std::vector<std::size_t>> requirements(std::size_t all) const;
  std::vector<int> levels_of_removals() const;
  std::vector<std::string> places() const;
  void plan_one(std::size_t i, int last_wave);

  // What is known of a stack.
  std::optional<StackFacts> look(const std::string& place) const { return looks_->look(place); }
  CloudFormation& there(const std::string& place) const;
  std::string from_of(const ResourceId&) const;
  std::optional<Receipt> receipt_of(const Stack&) const;
  bool is_as_applied(const StackFacts& live, const Stack&) const;
  std::optional<protocol::WireProblem> others(const StackFacts& live, const Stack&) const;
  std::optional<protocol::WireProblem> in_the_way(const StackFacts& live, const Stack&) const;
  bool is_changing(const std::string& place) const;
  std::string changing_before(const Stack&) const;
  Texts parameters(const Stack&) const;
  std::string taken(const Stack&, const Texts& parameters) const;
  bool takes_another(const Stack&, const Receipt&) const;

  // What is declared.
  PlannedStack upsert(const Stack&);
  std::optional<PlannedStack> before_changes(const StackFacts& live, const Stack&);
  PlannedStack changed(const Stack&, const std::optional<StackFacts>& live, protocol::Action);
  Failure not_put_back(const Stack&, const ChangeSet&, bool creates, const DataGuard&) const;
  PlannedStack not_replaced(const Stack&, const StackFacts& live, const ChangeSet&,
                            const ResourceChange&) const;
  PlannedStack unchanged(const Stack&, const std::optional<StackFacts>& live, const Precondition&,
                         const std::string& beside) const;
  std::string set_beside(const Stack&, const std::optional<StackFacts>& live, Precondition&);
  protocol::Step once_it_stands(const Stack&, Precondition, const std::string& what) const;

  // What failed, or drifted.
  PlannedStack made_anew(const Stack&, const StackFacts& live) const;
  PlannedStack continued(const Stack&, const StackFacts& live);
  PlannedStack put_back(const Stack&, const StackFacts& live, const DriftReport&);
  PlannedStack refused(const Stack&, const StackFacts& live, const DriftReport&, const std::string& why);

  // What is to go.
  PlannedStack removal(const ResourceId&);
  std::string failed_before(const StackFacts& live, const std::string& place) const;
  std::string what_goes(const StackFacts& live, const std::string& place) const;

  protocol::Step step_for(const ResourceId&, protocol::Action, std::string reason) const;
  protocol::Step step_for(const Stack&, protocol::Action, std::string reason) const;

  State& state_;
  const protocol::PlanRequest& request_;
  protocol::CallContext& context_;
  Policy policy_;
  std::vector<ResourceId> remove_;     ///< stacks
  std::vector<Stack> wanted_;          ///< in the order in which they may be made
  std::vector<int> levels_;            ///< of `wanted_`
  std::vector<int> leaving_;           ///< levels of `remove_`
  std::vector<PlannedStack> planned_;  ///< first those wanted, then the removals
  std::map<ResourceId, const protocol::Entry*> entries_;
  std::optional<StackLooks> looks_;
};

/// A problem of a stack, at its template where it has a document.
protocol::WireProblem plan_problem(const Failure&, const ResourceId&, const std::string& document);
/// Whether it is changed without a rollback: CloudFormation changes a stack that stopped where it failed in
/// no other way.
bool keeps_what_failed(const Stack&, const std::optional<StackFacts>& live);
/// An operation of somebody else, that has to end first.
protocol::WireProblem under_way(const StackFacts& live, const ResourceId&, const std::string& document);
/// What a plan left, for `discard`.
Value made_by(const Stack&, const ChangeSet&, bool creates);

}  // namespace gitopsd::aws
