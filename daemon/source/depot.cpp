#include "daemon/source/depot.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kIdleHandles = 8;

GitOdb odb_of(const std::string& path, git_repository* repository) {
  git_odb* odb = nullptr;
  if (git_repository_odb(&odb, repository) != 0)
    throw git_failure(ProblemCause::internal, "mirror " + path, "its objects cannot be opened");
  return GitOdb(odb);
}

}  // namespace

Depot::Lease::Lease(Depot& depot, GitRepository repository, int epoch)
    : depot_(depot),
      repository_(std::move(repository)),
      odb_(odb_of(depot.path_, repository_.get())),
      epoch_(epoch) {}

Depot::Lease::~Lease() {
  const std::lock_guard lock(depot_.mutex_);
  if (epoch_ == depot_.epoch_ && depot_.idle_.size() < kIdleHandles)
    depot_.idle_.push_back(std::move(repository_));
}

Depot::Lease Depot::lease() {
  int epoch = 0;
  {
    const std::lock_guard lock(mutex_);
    epoch = epoch_;
    if (!idle_.empty()) {
      GitRepository repository = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(repository), epoch);
    }
  }
  git_repository* repository = nullptr;
  if (git_repository_open_bare(&repository, path_.c_str()) != 0)
    throw git_failure(ProblemCause::internal, "mirror " + path_, "cannot be opened");
  return Lease(*this, GitRepository(repository), epoch);
}

void Depot::renew_handles() {
  std::vector<GitRepository> old;
  const std::lock_guard lock(mutex_);
  ++epoch_;
  old.swap(idle_);
}

void Depot::hold(const CommitId& commit) {
  const std::lock_guard lock(mutex_);
  ++held_[commit];
}

void Depot::release(const CommitId& commit) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(commit);
  if (found != held_.end() && --found->second == 0) held_.erase(found);
}

std::vector<CommitId> Depot::held() const {
  const std::lock_guard lock(mutex_);
  std::vector<CommitId> out;
  for (const auto& [commit, count] : held_) out.push_back(commit);
  return out;
}

}  // namespace gitopsd::source
