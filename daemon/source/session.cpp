#include "daemon/source/session.h"

namespace gitopsd::source {

namespace {

/// After that a server is asked again what it can do.
constexpr std::chrono::minutes kAge{10};

std::string key_of(const Remote& remote) {
  return remote.url + '\n' + remote.proxy + '\n' + remote.ca_file;
}

}  // namespace

std::unique_ptr<UploadPack> Sessions::take(const Remote& remote) {
  const std::lock_guard lock(mutex_);
  if (for_ != key_of(remote) || Monotonic::now() - began_ > kAge) session_.reset();
  return std::move(session_);
}

void Sessions::keep(const Remote& remote, std::unique_ptr<UploadPack> session) {
  if (!session->keeps()) return;
  const std::lock_guard lock(mutex_);
  const std::string key = key_of(remote);
  if (for_ != key || Monotonic::now() - began_ > kAge) began_ = Monotonic::now();
  for_ = key;
  session_ = std::move(session);
}

}  // namespace gitopsd::source
