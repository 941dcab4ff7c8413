#include "daemon/source/reach.h"

#include "daemon/source/object.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kKnown = 4096;

}  // namespace

bool Reach::leads_to(Depot& depot, const CommitId& from, const CommitId& to) {
  if (from == to) return true;
  const std::pair key(from, to);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
  }
  const auto lease = depot.lease();
  const git_oid descendant = to_oid(from), ancestor = to_oid(to);
  const int answer = git_graph_descendant_of(lease.repository(), &descendant, &ancestor);
  if (answer < 0) {
    depot.mark_damaged();
    throw git_failure(ProblemCause::transient, "mirror " + depot.path(),
                      "cannot tell whether " + from.str() + " comes after " + to.str() +
                          "; it is cloned anew by the next fetch");
  }
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnown) known_.clear();
  known_[key] = answer == 1;
  return answer == 1;
}

Standing Reach::standing(Depot& depot, const CommitId& commit, const CommitId& tip, const CommitId& applied) {
  if (!commit.empty() && commit == tip) return Standing::tip;
  std::optional<CommitId> wanted, last, before;
  {
    const auto lease = depot.lease();
    wanted = peel_to_commit(depot, lease, commit);
    last = peel_to_commit(depot, lease, tip);
    before = peel_to_commit(depot, lease, applied);
  }
  if (!wanted || !last) return Standing::unreachable;
  if (*wanted == *last) return Standing::tip;
  if (!leads_to(depot, *last, *wanted)) return Standing::unreachable;
  if (applied.empty()) return Standing::ahead;
  // What was applied may be gone here after a forced push: then nothing can lie ahead of it.
  if (!before || *before == *wanted) return Standing::behind_or_unrelated;
  return leads_to(depot, *wanted, *before) ? Standing::ahead : Standing::behind_or_unrelated;
}

}  // namespace gitopsd::source
