// Following what runs until it ends.
#pragma once

#include <string>

#include "ctl/session.h"

namespace gitopsd::ctl {

enum class WhenHeld { stop, wait };

/// Shows the progress of `event:ID` or `sync:ID` until it ended, or is held and `WhenHeld::stop` says so.
/// ok only when it succeeded; failed also where `until` passes first. Throws Unreachable when the daemon
/// stops.
Exit follow(const Session&, const std::string& what, WhenHeld, Deadline until = Deadline::max());

/// A finished event as `show` does it, with the exit status that `follow` gave.
Exit follow_event(const Session&, std::int64_t event, bool wait);

}  // namespace gitopsd::ctl
