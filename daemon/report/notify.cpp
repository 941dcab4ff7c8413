#include "daemon/report/notify.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <ctime>
#include <string>

namespace gitopsd::report {
namespace {

// sd_notify(3) itself does nothing and answers 0 where NOTIFY_SOCKET is not set; that systemd could not be
// reached is nothing that the daemon could do anything about.
void notify(const std::string& state) {
  sd_notify(0, state.c_str());
}

/// One line of the message is one variable: a status text must not be able to add another one.
std::string one_line(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, '\n', ' ');
  return out;
}

std::uint64_t monotonic_usec() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000u;
}

}  // namespace

void ready(std::string_view status) {
  notify("READY=1\nSTATUS=" + one_line(status));
}

void status(std::string_view text) {
  notify("STATUS=" + one_line(text));
}

void reloading() {
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_usec()) +
         "\nSTATUS=Reading the configuration again");
}

void stopping() {
  notify("STOPPING=1\nSTATUS=Finishing what is in flight");
}

void watchdog() {
  notify("WATCHDOG=1");
}

std::optional<std::chrono::milliseconds> watchdog_interval() {
  std::uint64_t usec = 0;
  if (sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(usec / 2));
}

}  // namespace gitopsd::report
