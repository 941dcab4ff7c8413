// One fetch into a depot: a ref's tip, and a commit that the tip does not lead to.
#pragma once

#include <vector>

#include "daemon/source/depot.h"
#include "daemon/source/mirror.h"
#include "daemon/source/upload_pack.h"

namespace gitopsd::source {

/// Throws Failure.
FetchResult fetch_ref(const Operation&, UploadPack&, Depot&, const Ref&,
                      const std::optional<CommitId>& wanted);

/// Asks for objects by id alone. False where the server will not give one of them.
bool fetch_ids(const Operation&, UploadPack&, Depot&, const std::vector<CommitId>& ids,
               const std::vector<CommitId>& haves);

/// The remote's tips, peeled, of the refs that match `patterns` (a whole name, or one trailing `*`).
std::map<Ref, CommitId> list_refs(const Operation&, UploadPack&, const std::vector<std::string>& patterns);

}  // namespace gitopsd::source
