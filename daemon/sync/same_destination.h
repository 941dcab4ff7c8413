// Whether a name of the configuration still leads to the destination that it did: what its provider told is
// remembered for as long as something there is ours.
#pragma once

#include <optional>
#include <string>

#include "daemon/store/store.h"
#include "providers/protocol/messages.h"

namespace gitopsd::sync {

/// Which one is meant; empty: whichever it is, since nothing there is ours.
std::string meant_destination(const store::Store&, const DestinationName&);
/// It is this one now (empty: that cannot be told), which is remembered where none is meant. What to say of
/// it where another one is.
std::optional<protocol::Condition> judge_destination(store::Store&, const DestinationName&,
                                                     const std::string& identity);

}  // namespace gitopsd::sync
