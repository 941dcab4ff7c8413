// One request of the operator's API as the routes see it, and what they answer.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "base/value.h"

namespace gitopsd::api {

/// Who is at the other end of a Unix socket (SO_PEERCRED).
struct Peer {
  uid_t uid = 0;
  pid_t pid = 0;
};

/// As it came over the wire, bounded but not yet understood.
struct RawRequest {
  std::string method;
  std::string target;
  std::string content_type;
  std::string body;
  std::optional<Peer> peer;  ///< none on the health listener
};

/// Checked by the router: the path has a route, every key of query and body is one that the route takes.
struct Request {
  std::vector<std::string> captured;         ///< the {} parts of the route's pattern, decoded
  std::map<std::string, std::string> query;  ///< decoded
  Value body = Value::object();
  std::string who;  ///< the caller's user name, for history and audit
};

/// What a progress stream sends and when it ends.
struct Follow {
  ApplicationUid application;
  RepositoryName repository;
  EventId event;
  SyncId sync;
  EventId until_event;
  SyncId until_sync;
  bool filtered() const { return !application.empty() || !repository.empty() || event || sync; }
};

struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::string allow;  ///< methods, for 405
  bool close = false;
  std::optional<Follow> follow;  ///< answer with a stream instead of `body`
};

Reply json_reply(unsigned status, const Value& body);

}  // namespace gitopsd::api
