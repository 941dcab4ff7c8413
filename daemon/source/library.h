// libgit2, set up once: bounded caches, fsync, no configuration but the mirror's own, none of its network
// code.
#pragma once

#include <git2.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/problem.h"
#include "base/types.h"
#include "daemon/source/free.h"

namespace gitopsd::source {

/// Before the first call into libgit2. Cheap, from any thread.
void start_library();

/// This thread's last libgit2 error, as a failure about `thing`.
Failure git_failure(ProblemCause cause, std::string_view thing, std::string_view what);

git_oid to_oid(const CommitId&);
CommitId to_id(const git_oid&);

using GitRepository = std::unique_ptr<git_repository, Free<git_repository_free>>;
using GitReference = std::unique_ptr<git_reference, Free<git_reference_free>>;
using GitObject = std::unique_ptr<git_odb_object, Free<git_odb_object_free>>;
using GitOdb = std::unique_ptr<git_odb, Free<git_odb_free>>;

}  // namespace gitopsd::source
