// How OpenSSH is run, and what its complaints mean.
#pragma once

#include <string>
#include <string_view>

#include "base/process.h"
#include "daemon/source/address.h"
#include "daemon/source/operation.h"

namespace gitopsd::source {

/// /usr/bin/ssh that runs git-upload-pack there: asks nothing, trusts only `known_hosts`, offers only
/// `ssh_key` (or the agent's keys where none is given). Throws Failure (cause input) without `known_hosts`.
Command ssh_command(const Operation&, const Address&);

/// The failure that ssh's standard error tells of: permission for keys and host keys, else transient.
Failure ssh_failure(const Operation&, const Address&, std::string_view complaint);

/// The words of a POSIX shell for one argument.
std::string shell_quote(std::string_view text);

}  // namespace gitopsd::source
