// Following what runs until it ends.
#pragma once

#include <chrono>
#include <string>

#include "ctl/session.h"

namespace gitopsd::ctl {

inline constexpr std::chrono::milliseconds kPause{
    200};  ///< between looks at an application that has no sync yet

/// What to do when it is held: leave it, wait on, or leave it only when it is held again (it was just
/// approved).
enum class WhenHeld { stop, wait, stop_when_again };

/// Shows the progress of `event:ID` or `sync:ID` until it ended, or is held and `WhenHeld` says to leave it.
/// ok only when it succeeded; failed also where `until` passes first. Throws Unreachable when the daemon
/// stops.
Exit follow(const Session&, const std::string& what, WhenHeld, Deadline until = Deadline::max());

/// What was just approved, and where its attempt fails for the time being, the next ones, which go on with it
/// by themselves. `sync` becomes the last of them. Returns as follow().
Exit follow_approved(const Session&, const std::string& application, std::string& sync);

/// A finished event as `show` does it, with the exit status that `follow` gave.
Exit follow_event(const Session&, std::int64_t event, bool wait);

}  // namespace gitopsd::ctl
