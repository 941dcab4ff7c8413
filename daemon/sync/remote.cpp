#include "daemon/sync/remote.h"

namespace gitopsd::sync {

source::Remote remote_of(const config::Repository& r) {
  source::Remote remote;
  remote.name = r.name;
  remote.url = r.url;
  remote.user = r.user;
  if (r.token) remote.token = r.token->resolve();
  if (r.ssh_key) remote.ssh_key = r.ssh_key->path();
  remote.known_hosts = r.known_hosts;
  remote.ca_file = r.ca_file;
  remote.proxy = r.proxy;
  remote.connect_timeout = r.connect_timeout;
  remote.idle_timeout = r.idle_timeout;
  remote.total_timeout = r.total_timeout;
  return remote;
}

}  // namespace gitopsd::sync
