#include "daemon/source/lookup.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "base/file.h"

namespace gitopsd::source {

namespace {

struct Lookup {
  std::string host, port;
  Fd done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  int status = 0;
  std::vector<Endpoint> endpoints;

  void run(int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* found = nullptr;
    status = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (status != 0) return;
    for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
      Endpoint endpoint;
      std::memcpy(&endpoint.address, a->ai_addr, a->ai_addrlen);
      endpoint.size = a->ai_addrlen;
      endpoints.push_back(endpoint);
    }
    freeaddrinfo(found);
  }
};

}  // namespace

std::vector<Endpoint> look_up(const Operation& operation, const std::string& host, const std::string& port,
                              Deadline deadline) {
  auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->port = port;
  lookup->run(AI_NUMERICHOST);
  if (lookup->status != 0) {
    if (!lookup->done)
      throw operation.failure(ProblemCause::transient, "no descriptor is free: " + errno_text(errno));
    // getaddrinfo(3) can neither be cancelled nor bounded, so it gets a thread that may outlive this call;
    // what it needs, the thread owns.
    std::thread([lookup] {
      lookup->run(0);
      eventfd_write(lookup->done.get(), 1);
    }).detach();
    operation.wait_until(lookup->done.get(), POLLIN, deadline, "looking up the host's name");
    eventfd_t count = 0;
    eventfd_read(lookup->done.get(), &count);
  }
  if (lookup->status != 0)
    throw operation.failure(ProblemCause::transient,
                            "the host's name is not found: " + std::string(gai_strerror(lookup->status)),
                            "check the url, and this machine's DNS");
  return lookup->endpoints;
}

}  // namespace gitopsd::source
