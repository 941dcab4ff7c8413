#include "daemon/api/peer.h"

#include <pwd.h>
#include <sys/syscall.h>

#include <thread>

#include "daemon/api/refusal.h"
#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;

namespace {

/// Neither root nor whoever runs the tests.
const uid_t kNobody = geteuid() == 65534 ? 65533 : 65534;

std::string nobody() {
  const passwd* entry = getpwuid(kNobody);
  return entry ? entry->pw_name : std::to_string(kNobody);
}

/// Asks as another user. The raw call changes this thread alone; setuid(2) of the library would change them
/// all.
Answer ask_as_nobody(World& world, const std::string& target) {
  Answer answer;
  std::thread([&] {
    if (syscall(SYS_setresuid, -1, kNobody, -1) != 0) return;
    answer = world.get(target);
  }).join();
  return answer;
}

void open_to_all(const World& world) {
  for (const auto& path : {world.folder, world.folder + "/run"}) chmod(path.c_str(), 0755);
  chmod(world.config.api.socket.c_str(), 0666);
}

}  // namespace

TEST_CASE("root, the daemon's own user and the configured users are let in, nobody else") {
  config::Config config;
  CHECK(authorize(Peer{0, 1}, config) == "root");
  CHECK_FALSE(authorize(Peer{geteuid(), 1}, config).empty());
  CHECK_THROWS_AS(authorize(Peer{kNobody, 1}, config), Refusal);
  CHECK_THROWS_AS(authorize(std::nullopt, config), Refusal);
  config.api.users = {"somebody-else", nobody()};
  CHECK(authorize(Peer{kNobody, 1}, config) == nobody());
}

TEST_CASE("a user without a name is known by number") {
  config::Config config;
  config.api.users = {"3999999999"};
  CHECK(authorize(Peer{3999999999u, 1}, config) == "3999999999");
}

TEST_CASE_FIXTURE(Running,
                  "another user is refused at the socket, for reading too" * doctest::skip(geteuid() != 0)) {
  open_to_all(*this);
  for (const std::string target : {"/v1/status", "/v1/progress", "/v1/nothing"}) {
    const auto answer = ask_as_nobody(*this, target);
    CHECK(answer.status == 403);
    CHECK(answer.body.at_pointer("/error/cause")->as_string() == "permission");
    CHECK(answer.body.at_pointer("/error/hint")->as_string().find("api.users") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(World, "a configured user is let in and known by name" * doctest::skip(geteuid() != 0)) {
  config.api.users = {nobody()};
  start();
  open_to_all(*this);
  CHECK(ask_as_nobody(*this, "/v1/version").body.get_string("user") == nobody());
}
