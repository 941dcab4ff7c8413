// One bare repository on disk and the open handles to it.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/source/library.h"

namespace gitopsd::source {

/// A pool of handles: libgit2's are not to be used by two threads at a time, and one behind a mutex would let
/// a large blob of one application stop the reads of all others. Handles find new packs by themselves when an
/// object is missing.
class Depot {
 public:
  explicit Depot(std::string path) : path_(std::move(path)) {}

  class Lease {
   public:
    Lease(Depot& depot, GitRepository repository, int epoch);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    git_repository* repository() const { return repository_.get(); }
    git_odb* odb() const { return odb_.get(); }

   private:
    Depot& depot_;
    GitRepository repository_;
    GitOdb odb_;
    int epoch_;
  };

  /// A handle for this thread alone, until the lease goes. Throws Failure.
  Lease lease();
  const std::string& path() const { return path_; }

  /// Closes all handles, those in use when they come back: after a repack they would keep deleted packs open.
  void renew_handles();

  /// An object is missing or broken that should be there: the next fetch clones anew.
  void mark_damaged() { damaged_ = true; }
  bool damaged() const { return damaged_; }

  /// Held while a ref is written: libgit2 fails at once where another thread has its lock file.
  std::mutex& refs_mutex() { return refs_mutex_; }
  /// Refs written since they were put into one file last; under refs_mutex().
  int& loose_refs() { return loose_refs_; }

  /// Commits that snapshots in use read from; a repack keeps them.
  void hold(const CommitId&);
  void release(const CommitId&);
  std::vector<CommitId> held() const;

 private:
  std::string path_;
  mutable std::mutex mutex_;
  std::mutex refs_mutex_;
  int loose_refs_ = 0;
  std::vector<GitRepository> idle_;
  int epoch_ = 0;
  std::map<CommitId, int> held_;
  std::atomic<bool> damaged_{false};
};

}  // namespace gitopsd::source
