#include "providers/kubernetes/capabilities.h"

#include <pthread.h>

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;

/// Between two looks, however much is going on.
constexpr std::chrono::milliseconds kLookPause = 1s;
constexpr std::chrono::milliseconds kFirstReturn = 1s, kLongestReturn = 4s;
constexpr std::chrono::milliseconds kFirstPatience = 3s, kPatience = 10s;
constexpr std::size_t kRememberedBytes = 4u << 20;

}  // namespace

Value capabilities_of(const std::string& version, const Kinds& kinds) {
  std::set<std::string> versions;
  for (const auto& [type, kind] : kinds.all())
    for (const auto& served : kind.versions) {
      const std::string api = type.group.empty() ? served : type.group + "/" + served;
      versions.insert(api);
      versions.insert(api + "/" + type.kind);
    }
  return Value::object(
      {{"kubeVersion", version}, {"apiVersions", Value::Array(versions.begin(), versions.end())}});
}

std::string Capabilities::digest_of(const Value& capabilities) {
  return to_hex(sha256(to_json(capabilities)));
}

Capabilities::Capabilities(Cluster& cluster, SameCluster& same, std::chrono::milliseconds interval,
                           std::string remembered, Tell tell)
    : cluster_(cluster),
      same_(same),
      interval_(interval),
      remembered_(std::move(remembered)),
      tell_(std::move(tell)) {
  try {
    look(kFirstPatience);
  } catch (const Failure&) {
    failures_ = 1;
    use_remembered();
  }
}

void Capabilities::use_remembered() {
  first_ = remember();
  digest_ = digest_of(first_);
}

Capabilities::~Capabilities() {
  cluster_.doubts().stop();
  if (thread_.joinable()) thread_.join();
}

Value Capabilities::remember() const {
  try {
    return parse_json(read_file(remembered_, kRememberedBytes), remembered_);
  } catch (const Failure&) {
    return Value::object();
  }
}

void Capabilities::watch() {
  thread_ = std::thread([this] { loop(); });
}

void Capabilities::loop() {
  ::pthread_setname_np(::pthread_self(), "capabilities");
  auto pause = failures_ > 0 ? kFirstReturn : interval_;
  while (cluster_.doubts().sleep(pause, failures_ == 0)) {
    try {
      look(kPatience);
      said_.clear();
      if (std::exchange(failures_, 0) > 0) tell_.back();
      if (!cluster_.doubts().sleep(kLookPause, false)) return;
      pause = interval_;
    } catch (const Failure& failure) {
      pause = failures_++ > 0 ? std::min(pause * 2, kLongestReturn) : kFirstReturn;
      if (failures_ < 2 || said_ == failure.what()) continue;
      said_ = failure.what();
      tell_.away(failure);
    }
  }
}

/// Throws Failure where the cluster does not answer.
void Capabilities::look(std::chrono::milliseconds patience) {
  const std::string version = cluster_.version(patience);
  if (!same_.look(patience)) {  // what another cluster can do tells nothing
    if (digest_.empty()) use_remembered();
    return;
  }
  Value now = capabilities_of(version, *cluster_.kinds_not_older_than(0ms));
  const std::string digest = digest_of(now);
  if (digest == digest_) return;
  write_file_atomically(remembered_, to_json(now));
  if (std::exchange(digest_, digest).empty()) {
    first_ = std::move(now);
    return;
  }
  log::info("the cluster's version or kinds are others than before", {{"version", version}});
  tell_.changed(now, digest);
}

}  // namespace gitopsd::kubernetes
