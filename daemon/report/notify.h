// sd_notify(3): what the daemon tells systemd. Everything does nothing where there is no NOTIFY_SOCKET.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace gitopsd::report {

void ready(std::string_view status);
void status(std::string_view text);
/// RELOADING=1 with MONOTONIC_USEC; follow it with `ready`.
void reloading();
void stopping();
void watchdog();
/// Half of WATCHDOG_USEC when systemd expects us to call `watchdog`, else nullopt.
std::optional<std::chrono::milliseconds> watchdog_interval();

}  // namespace gitopsd::report
