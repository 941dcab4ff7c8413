#include "daemon/source/service.h"

namespace gitopsd::source {

std::unique_ptr<Service> open_service(const Address& address) {
  switch (address.scheme) {
    case Scheme::http:
    case Scheme::https:
      return open_http(address);
    case Scheme::git:
      return open_git(address);
    case Scheme::ssh:
      return open_ssh(address);
    case Scheme::file:
      break;
  }
  return open_local(address);
}

}  // namespace gitopsd::source
