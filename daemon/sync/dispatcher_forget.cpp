// An orphan that cannot be deleted, since its destination is gone for good, or is not to be: what it owns
// stays as it is, and somebody's word takes it from the list.
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/operator_audit.h"

namespace gitopsd::sync {
namespace {

/// One entry for the word, and one for each resource: nobody else knows afterwards what was left.
std::vector<std::string> audit_of_forgetting(const store::ApplicationState& orphan, const std::string& who,
                                             const std::vector<ResourceId>& owned) {
  const Value where = Value::object({{"destination", orphan.destination.str()}});
  std::vector<std::string> audit;
  Value word = where;
  word.set("resources", static_cast<std::int64_t>(owned.size()));
  audit.push_back(audit_of("forget", who, orphan.name, std::move(word)));
  for (const auto& id : owned) {
    Value one = where;
    one.set("resource", id.str());
    audit.push_back(audit_of("forget", who, orphan.name, std::move(one)));
  }
  return audit;
}

}  // namespace

/// By what is configured now, as in `orphan_named`; its destination need not be.
store::ApplicationState DispatcherImpl::orphan_to_forget(const ApplicationName& name) const {
  for (const auto& state : env_.store->applications())
    if (state.name == name && !app_of(state.uid)) return state;
  app_named(name);  // throws where nobody has it
  throw fail(
      ProblemCause::conflict,
      "application " + name.str() + " is configured, and would take what is declared for its own again",
      "take it out of the configuration, or let it go to another destination: then it can be forgotten");
}

/// With the mutex. Ends what an orphan waits for, and lets nothing begin.
void DispatcherImpl::occupy(const App& orphan, const std::string& why) {
  if (orphan->hold == ApplicationLine::Hold::busy)
    throw fail(ProblemCause::conflict,
               "what application " + orphan->config.name.str() + " owns is being deleted at this moment",
               "gitopsctl status shows when that has ended, well or not; say it again then");
  let_go(orphan, why);
  orphan->again.reset();
  orphan->hold = ApplicationLine::Hold::busy;
}

Forgotten DispatcherImpl::forget(const ApplicationName& name, const std::string& who) {
  const std::string why = "forgotten by " + who;
  const std::lock_guard configuring(configure_mutex_);
  const auto state = orphan_to_forget(name);
  App orphan;
  {
    const std::lock_guard lock(mutex_);
    orphan = orphan_line(state);
    occupy(orphan, why);
  }
  std::vector<ResourceId> owned;
  bool done = false;
  const auto let = [&](bool gone) {
    const std::lock_guard lock(mutex_);
    drop_next(orphan, why);
    rest(orphan);
    if (gone) orphans_.erase(state.uid);
  };
  try {
    for (const auto& entry : env_.store->inventory(state.uid)) owned.push_back(entry.id);
    done = env_.store->abandon(state.uid, owned, audit_of_forgetting(state, who, owned));
  } catch (...) {
    let(false);
    throw;
  }
  let(done);
  if (!done)
    throw fail(ProblemCause::conflict, "what application " + name.str() + " owns changed at this moment",
               "gitopsctl status shows what it owns now; say it again");
  log::warning("an application is forgotten; what it owns stays, and is nobody's",
               {{"application", name.str()},
                {"destination", state.destination.str()},
                {"resources", static_cast<std::int64_t>(owned.size())},
                {"who", who}});
  return {state.destination, static_cast<std::int64_t>(owned.size())};
}

}  // namespace gitopsd::sync
