// The steps of a plan or sync.
#pragma once

#include <string>

#include "ctl/session.h"

namespace gitopsd::ctl {

/// A line a step ("+ create  file:/etc/motd  REASON") with its diff below, for those that change something.
std::string steps_text(const Session&, const Value& steps);

}  // namespace gitopsd::ctl
