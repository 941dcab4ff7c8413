// One plan in the making: a part of plan.cpp and plan_*.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "providers/kubernetes/asking.h"
#include "providers/kubernetes/contents.h"
#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/owned.h"
#include "providers/kubernetes/read_objects.h"
#include "providers/kubernetes/spaces.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {

/// A live object as one apply would leave it, but for our marks: what they add is no difference of its own.
Value without_marks(const Value& object);
/// What an object that is not ours is from now on, and what becomes of it in the end.
std::string adoption(const Manifest&);

/// Looks at every object concerned, and collects the steps.
class ObjectPlanner {
 public:
  ObjectPlanner(State& state, const protocol::PlanRequest& request) : state_(state), request_(request) {}
  protocol::PlanResult run();

 private:
  void read_upserts();
  std::set<Id> as_applied() const;
  void look_at_upserts();
  void ask_for_defaults(const std::vector<Asking>&);
  void upsert(const Manifest&, const ReadObject& live, const HttpResponse& dry_run);
  void absent(const Manifest&, const HttpResponse& dry_run);
  void present(const Manifest&, const Value& live, const HttpResponse& dry_run);
  void refused(const Manifest&, const HttpResponse& dry_run, const char* hint = "");
  void not_as_it_is(const Manifest&, const Value& live, bool ours, const HttpResponse& dry_run);
  void as_it_would_be(const Manifest&, const Value& live, bool ours, const Value& then);
  bool resize(const Manifest&, const Value& live, bool ours);
  Value made_anew(const Manifest&, const Value& live);
  HttpRequest as_new(const Manifest&) const;
  HttpRequest as_new_definition(const Manifest&) const;
  std::set<std::string> spaces_of_hooks_and(const std::vector<Asking>&) const;
  bool waits_for_space(const std::string& name, const Id&);
  bool has_no_space(const Manifest&, const HttpResponse& dry_run);
  void unreadable(const Manifest&, const HttpResponse& live, const HttpResponse& dry_run);
  void look_at_hooks();
  void hook(const Manifest&, const HttpResponse& live, const HttpResponse& dry_run);
  void add_runs(const Manifest&, const Precondition&);
  void add(protocol::Step, const Precondition&);
  void look_at_removals();
  void remove(const Id&, const HttpResponse& live);
  void look_into(const Id&, const Value& live, protocol::Step&, Precondition&);
  bool is_ours(const Value& live, const Id&) const;
  std::optional<Receipt> remembered(const Id&) const;
  bool is_the_one_applied(const Value& live, const Id&) const;
  bool cuts(const Manifest&, const HttpResponse& dry_run);
  bool of_other(const Value& live, const Id&, protocol::WireProblem&) const;
  protocol::Step step_for(const Id&, protocol::Action, std::string reason, int wave) const;
  protocol::WireProblem problem_at(const Id&, ProblemCause, std::string message, std::string hint) const;
  const protocol::Entry* entry_of(const Id&) const;
  std::string from_of(const Id&) const;

  State& state_;
  const protocol::PlanRequest& request_;
  Policy policy_;
  Kinds defined_;
  std::shared_ptr<const Kinds> kinds_;
  std::map<Id, Manifest> wanted_;
  std::map<ResourceId, const protocol::Entry*> entries_;
  std::map<Id, Value> defaults_;         ///< as new objects: of those from which something may be taken
  std::set<std::string> going_;          ///< uids of what is deleted
  std::map<std::string, Space> spaces_;  ///< those that something is to be written into
  std::set<std::string> told_;           ///< of these, for which it was told to wait
  protocol::PlanResult result_;
};

}  // namespace gitopsd::kubernetes
