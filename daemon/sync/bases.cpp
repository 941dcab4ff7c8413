#include "daemon/sync/bases.h"

#include <algorithm>

#include "base/log.h"
#include "base/problem.h"
#include "config/url.h"
#include "daemon/sync/remote.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;

/// A tag that is moved is seen to be after this time; within it, no sync asks its server.
constexpr auto kTagKeeps = 10min;

}  // namespace

std::optional<CommitId> BaseTags::last(const std::string& tag) const {
  const std::lock_guard lock(mutex_);
  const auto it = seen_.find(tag);
  return it == seen_.end() ? std::nullopt : std::optional(it->second.commit);
}

std::optional<CommitId> BaseTags::fresh(const std::string& tag) const {
  const std::lock_guard lock(mutex_);
  const auto it = seen_.find(tag);
  if (it == seen_.end() || Monotonic::now() - it->second.when > kTagKeeps) return std::nullopt;
  return it->second.commit;
}

void BaseTags::put(const std::string& tag, const CommitId& commit) {
  const std::lock_guard lock(mutex_);
  seen_.insert_or_assign(tag, Seen{commit, Monotonic::now()});
}

RepositoryBases::RepositoryBases(std::vector<Repository> allowed, std::shared_ptr<BaseTags> tags)
    : allowed_(std::move(allowed)), tags_(std::move(tags)) {}

std::shared_ptr<const source::Snapshot> RepositoryBases::find(const render::RemoteReference& reference) {
  const std::string identity = config::repository_identity(reference.url);
  const auto it = std::find_if(allowed_.begin(), allowed_.end(), [&](const Repository& repository) {
    return config::repository_identity(repository.config.url) == identity;
  });
  if (it == allowed_.end()) return nullptr;
  if (reference.ref.empty())
    throw fail(ProblemCause::input, "it says not which commit is meant",
               "add ?ref=, with a full commit id or a tag");
  const auto id = CommitId::parse(reference.ref);
  const CommitId commit = id ? *id : commit_of_tag(*it, reference.ref);
  if (!it->mirror->has(commit)) fetch(*it, commit);
  return it->mirror->snapshot(commit);
}

CommitId RepositoryBases::commit_of_tag(const Repository& repository, const std::string& name) {
  const std::string key = repository.config.name.str() + " " + name;
  if (const auto known = tags_->fresh(key)) return *known;
  const auto ref = Ref::parse("refs/tags/" + name);
  if (!ref) throw fail(ProblemCause::input, "\"" + name + "\" is no tag");
  try {
    const auto remote = remote_of(repository.config);
    const auto refs = repository.mirror->remote_refs(remote, {ref->str()}, never_);
    const auto found = refs.find(*ref);
    if (found != refs.end()) {
      if (!repository.mirror->has(found->second))
        repository.mirror->fetch(remote, *ref, std::nullopt, never_);
      tags_->put(key, found->second);
      return found->second;
    }
  } catch (const Failure& failure) {
    const auto last = tags_->last(key);
    if (!last || failure.cause() != ProblemCause::transient) throw;
    log::warning("a tag cannot be looked up; what it named before counts",
                 {{"repository", repository.config.name.str()}, {"tag", name}, {"error", failure.what()}});
    return *last;
  }
  throw fail(ProblemCause::input, "repository " + repository.config.name.str() + " has no tag " + name,
             "name a tag, or a full commit id; what a branch names changes without a commit here");
}

/// A server gives a commit beside one of its refs.
void RepositoryBases::fetch(const Repository& repository, const CommitId& commit) {
  const auto remote = remote_of(repository.config);
  const auto refs = repository.mirror->remote_refs(remote, {"refs/heads/*", "refs/tags/*"}, never_);
  auto from = std::find_if(refs.begin(), refs.end(), [&](const auto& ref) { return ref.second == commit; });
  if (from == refs.end()) from = refs.begin();
  if (from != refs.end()) repository.mirror->fetch(remote, from->first, commit, never_);
  if (!repository.mirror->has(commit))
    throw fail(ProblemCause::input,
               "repository " + repository.config.name.str() + " has no commit " + commit.str());
}

}  // namespace gitopsd::sync
