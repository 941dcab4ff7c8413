#include "daemon/api/peer.h"

#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "daemon/api/refusal.h"

namespace gitopsd::api {
namespace {

std::string user_name(uid_t uid) {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) return found->pw_name;
  return std::to_string(uid);
}

}  // namespace

std::optional<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return Peer{credentials.uid, credentials.pid};
}

std::string authorize(const std::optional<Peer>& peer, const config::Config& config) {
  if (!peer) throw Refusal(403, ProblemCause::permission, "the peer's credentials are not known");
  std::string name = user_name(peer->uid);
  if (peer->uid == 0 || peer->uid == geteuid()) return name;
  const auto& users = config.api.users;
  if (std::ranges::find(users, name) != users.end()) return name;
  log::warning("a user was refused at the operator's socket", {{"user", name}, {"pid", peer->pid}});
  throw Refusal(403, ProblemCause::permission, "user '" + name + "' may not use this socket",
                "add '" + name + "' to api.users in the configuration");
}

}  // namespace gitopsd::api
