// One function a command. Each returns what gitopsctl ends with, and throws Refused, Unreachable, UsageError
// or Failure, which main.cpp turns into a message and an exit status.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ctl/session.h"

namespace gitopsd::ctl {

struct EventsOptions {
  std::string state{}, repository{}, since{}, before{};
  int limit = 50;
};
struct ReplayOptions {
  std::vector<std::string> events{};
  bool failed = false;
  std::string since{}, repository{};
  bool wait = true;
};
struct AuditOptions {
  bool verify = false;
  std::int64_t from = 1;
  std::int64_t limit = 0;  ///< 0: all
};
struct HookAddOptions {
  std::string name{}, forge{}, config{};
  std::vector<std::string> repositories{};
};
struct WaitOptions {
  std::string what{};     ///< an event's number or an application's name
  std::string timeout{};  ///< a duration, or empty
};
struct ValidateOptions {
  std::string path{};
  std::string config{};      ///< given: `path` is a checkout for this configuration's applications
  std::string repository{};  ///< which one of it; the only one, by default
  /// Where the providers are that a configuration is shown to; where they are installed, by default.
  std::string provider_directory{};
  std::string render_program{};  ///< gitopsd-render, likewise
};

// Look.
Exit status(const Session&, const std::string& application);
Exit events(const Session&, const EventsOptions&);
Exit show(const Session&, const std::string& event);
Exit plan(const Session&, const std::string& application, const std::string& revision);
Exit hooks(const Session&);
Exit audit(const Session&, const AuditOptions&);

// Act; `wait`: follow what was started until it ends.
Exit replay(const Session&, const ReplayOptions&);
Exit sync(const Session&, const std::string& application, bool wait);
/// `sync`: the number of the held sync that was looked at, or empty.
Exit approve(const Session&, const std::string& application, const std::string& sync, bool wait);
Exit reject(const Session&, const std::string& application, const std::string& sync);
Exit rollback(const Session&, const std::string& application, const std::string& to, bool wait);
Exit resume(const Session&, const std::string& application);
/// `identity`: what was looked at, or empty.
Exit accept_destination(const Session&, const std::string& destination, const std::string& identity);
Exit delete_application(const Session&, const std::string& application, bool cascade, bool wait);
Exit forget(const Session&, const std::string& application);
Exit wait(const Session&, const WaitOptions&);

// Without the daemon.
Exit hook_add(const Session&, const HookAddOptions&);
Exit validate(const Session&, const ValidateOptions&);

}  // namespace gitopsd::ctl
