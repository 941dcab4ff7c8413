// A new depot in the place of a damaged one.
#pragma once

#include "daemon/source/depot.h"
#include "daemon/source/upload_pack.h"

namespace gitopsd::source {

/// Brings what the refs of `old` name into `fresh`: from the remote, or, where it has that no longer, from
/// what of `old` can still be read. What is nowhere is left out, and logged.
void carry_over(const Operation&, UploadPack&, Depot& old, Depot& fresh);

}  // namespace gitopsd::source
