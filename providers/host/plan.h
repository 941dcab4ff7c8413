// Plans one call: looks at every thing concerned, and says in steps what would change.
#pragma once

#include <map>
#include <set>

#include "providers/host/goal.h"
#include "providers/host/policy.h"
#include "providers/host/verbs.h"

namespace gitopsd::host {

class Planner {
 public:
  Planner(State& state, const protocol::PlanRequest& request, protocol::CallContext& context)
      : state_(state), request_(request), context_(context), documents_(request.documents) {}
  protocol::PlanResult run();

 private:
  struct Planned {
    std::string path;
    protocol::Step step;
  };

  void read_upserts();
  void read_removals();
  void upsert(const Wanted& wanted);
  void absent(const Wanted& wanted, const Goal& goal, bool folder_exists);
  void present(const Wanted& wanted, const Goal& goal, const Place& place, const Seen& seen);
  void remove(const std::string& path);
  bool without_prefix(const Wanted& wanted, const Goal& goal);
  void miss_folders();
  void remove_directory(protocol::Step step, const OwnedList::Record& record, const Place& place,
                        const Seen& seen);
  std::string content_diff(const Wanted* wanted, bool foreign, bool sensitive, const Place* place,
                           const Seen* seen);
  std::optional<std::string> wanted_bytes(const Wanted& wanted);
  protocol::Step step_for(const std::string& path, protocol::Action action, std::string reason) const;
  void problem(const Wanted& wanted, ProblemCause cause, std::string message, std::string hint);
  void problem(const std::string& path, ProblemCause cause, std::string message, std::string hint);
  std::string from_of(const std::string& path) const;
  bool owned_by_other(const std::string& path, const std::optional<OwnedList::Record>& record,
                      std::string& who) const;
  std::vector<protocol::Step> ordered();

  State& state_;
  const protocol::PlanRequest& request_;
  protocol::CallContext& context_;
  Documents documents_;
  Policy policy_;
  std::map<std::string, Wanted> wanted_;  // by path
  std::set<std::string> removals_;        // paths
  std::vector<Planned> upserts_, removes_;
  protocol::PlanResult result_;
};

}  // namespace gitopsd::host
