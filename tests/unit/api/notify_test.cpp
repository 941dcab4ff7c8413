#include "daemon/report/notify.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"

using namespace gitopsd;

namespace {

/// What systemd would be: a datagram socket, and the variables that name it.
struct Manager {
  std::string folder;
  Fd socket;

  Manager() {
    char name[] = "/tmp/gitopsd-notify-XXXXXX";
    folder = mkdtemp(name);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder + "/notify";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    socket = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    std::filesystem::remove_all(folder);
  }
  std::string heard() {
    char bytes[4096];
    const auto count = recv(socket.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return count < 0 ? "" : std::string(bytes, static_cast<std::size_t>(count));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Manager, "systemd hears of readiness, reload, stop and life") {
  report::ready("3 applications");
  CHECK(heard() == "READY=1\nSTATUS=3 applications");
  report::status("one\nWATCHDOG=trigger");
  CHECK(heard() == "STATUS=one WATCHDOG=trigger");
  report::watchdog();
  CHECK(heard() == "WATCHDOG=1");
  report::stopping();
  CHECK(heard().starts_with("STOPPING=1\n"));
}

TEST_CASE_FIXTURE(Manager, "a reload carries the monotonic time at which it began") {
  const auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000ll + t.tv_nsec / 1000;
  };
  const auto before = now();
  report::reloading();
  const std::string text = heard();
  REQUIRE(text.starts_with("RELOADING=1\nMONOTONIC_USEC="));
  const long long said = std::stoll(text.substr(text.find("USEC=") + 5));
  CHECK(said >= before);
  CHECK(said <= now());
}

TEST_CASE_FIXTURE(Manager, "the watchdog is fed at half its time, when systemd asks for it") {
  CHECK_FALSE(report::watchdog_interval());
  setenv("WATCHDOG_USEC", "30000000", 1);
  CHECK(report::watchdog_interval() == std::chrono::milliseconds(15'000));
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  CHECK(report::watchdog_interval() == std::chrono::milliseconds(15'000));
  setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(report::watchdog_interval());
}

TEST_CASE("without systemd all of it does nothing") {
  unsetenv("NOTIFY_SOCKET");
  report::ready("x");
  report::reloading();
  report::status("x");
  report::stopping();
  report::watchdog();
  CHECK_FALSE(report::watchdog_interval());
}
