// What an application's repository may do on this host.
#pragma once

#include <string>
#include <vector>

#include "base/value.h"
#include "providers/host/wanted.h"
#include "providers/protocol/messages.h"

namespace gitopsd::host {

/// `{paths: ["/srv/demo"], users: [web], groups: [web], setuid: false}`. What is not named is not allowed.
struct Policy {
  std::vector<std::string> paths;          ///< a thing is allowed where it is one of these or beneath one
  std::vector<std::string> users, groups;  ///< that `owner` and `group` may name, compared as written
  bool setuid = false;                     ///< files may have mode bits 04000 and 02000

  /// Adds a problem for everything it cannot use.
  static Policy parse(const Value& value, std::vector<protocol::WireProblem>& problems);
  /// The most specific allowed path that is or contains `path`; nullptr when none does.
  const std::string* allowed_by(std::string_view path) const;
};

/// What it allows and is of no use on this host as it is now.
std::vector<protocol::WireProblem> doubts(const Policy& policy);

/// One problem (cause permission) per offending field.
std::vector<protocol::WireProblem> breaches(const Policy& policy, const Wanted& wanted);

/// The problem of a path that no prefix allows.
protocol::WireProblem path_breach(const Policy& policy, std::string_view path);

}  // namespace gitopsd::host
