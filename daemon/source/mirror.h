// A bare local mirror of one repository: fetches exactly what an event names and reads it from the object
// database. A cache: it can be deleted at any time. Blocking; one fetch at a time per mirror; reads from any
// thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "base/types.h"

namespace gitopsd::source {

/// How far a fetch is; `total_objects` is 0 until the server has said it.
struct Progress {
  std::uint64_t bytes = 0;
  std::uint32_t objects = 0, total_objects = 0;
};

/// Everything that a fetch needs; secrets already read.
struct Remote {
  RepositoryName name;
  std::string url;
  std::string user;
  Secret token;             ///< HTTPS
  std::string ssh_key;      ///< path
  std::string known_hosts;  ///< path
  std::string ca_file;
  std::string proxy;
  std::chrono::milliseconds connect_timeout{10'000}, idle_timeout{30'000}, total_timeout{600'000};
  /// Called by fetch(), on its thread, every 200 ms at most; for people who wait for a first clone.
  std::function<void(const Progress&)> progress;
};

/// One way to ask a running operation to end, from any thread. `fd` becomes readable when it was asked.
class Cancel {
 public:
  Cancel();
  ~Cancel();
  Cancel(const Cancel&) = delete;
  Cancel& operator=(const Cancel&) = delete;
  void request();
  bool requested() const;
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

enum class EntryKind { file, executable, symlink, directory, submodule };

struct TreeEntry {
  std::string path;  ///< relative to the root of the snapshot
  CommitId id;
  EntryKind kind = EntryKind::file;
};

/// The immutable tree of one commit. Thread-safe; keeps its mirror open.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual const CommitId& commit() const = 0;
  /// The object at a path ("" is the root), or nullopt. Symbolic links are not followed.
  virtual std::optional<TreeEntry> entry(const std::string& path) const = 0;
  /// All files below `path` at any depth, by path order. Throws Failure (cause input) beyond `limit` files
  /// and folders, where `path` is no folder or would leave the tree, and on a submodule below it.
  virtual std::vector<TreeEntry> files(const std::string& path, std::size_t limit) const = 0;
  /// The size comes from the object's header, before anything is read. Throws Failure (cause input) beyond
  /// `limit`, and for a Git LFS pointer file.
  virtual std::string read(const CommitId& blob, const std::string& path, std::size_t limit) const = 0;
  struct Change {
    std::string path;
    std::optional<TreeEntry> before, after;
  };
  /// What differs below `path` between `older` and this snapshot; costs what changed.
  virtual std::vector<Change> changes_since(const Snapshot& older, const std::string& path) const = 0;
  /// Short description of the commit for people: subject line and author.
  virtual std::string subject() const = 0;
  virtual std::string author() const = 0;
};

struct FetchResult {
  /// The ref's tip at the remote, peeled to a commit; nullopt: the ref does not exist there.
  std::optional<CommitId> tip;
  bool fetched_anything = false;
};

/// Where a commit stands to a ref's tip and to what was applied last (promise 3).
enum class Standing { tip, ahead, behind_or_unrelated, unreachable };

class Mirror {
 public:
  virtual ~Mirror() = default;
  /// Fetches the ref, and `wanted` with it where the tip does not already bring it. A clone when it is the
  /// first. Throws Failure: transient for the network and deadlines, permission for credentials and host
  /// keys, input for a repository that cannot be used (SHA-256).
  virtual FetchResult fetch(const Remote&, const Ref&, const std::optional<CommitId>& wanted,
                            const Cancel&) = 0;
  /// Tips of the refs that match, without fetching objects; for polling and tag patterns. Pattern: a whole
  /// ref, or one trailing `*`.
  virtual std::map<Ref, CommitId> remote_refs(const Remote&, const std::vector<std::string>& patterns,
                                              const Cancel&) = 0;
  /// Peels a tag object to its commit; a commit is itself; nullopt: not here, or no commit.
  virtual std::optional<CommitId> peel(const CommitId&) const = 0;
  virtual bool has(const CommitId&) const = 0;
  /// The commit whose id, or whose tag object's, begins with these hexadecimal digits; nullopt: none here.
  /// Throws Failure (cause input) where several objects' do.
  virtual std::optional<CommitId> find(const std::string& prefix) const = 0;
  /// `commit` seen from `tip` and `applied` (may be empty). Costs nothing when commit == tip.
  virtual Standing standing(const CommitId& commit, const CommitId& tip, const CommitId& applied) const = 0;
  virtual std::shared_ptr<const Snapshot> snapshot(const CommitId&) const = 0;
  /// Keeps a revision's objects through repacking, until `unpin`.
  virtual void pin(const std::string& name, const CommitId&) = 0;
  virtual void unpin(const std::string& name) = 0;
  virtual std::vector<std::string> pins() const = 0;
  /// Repacks when there are many packs. Cheap when there is nothing to do.
  virtual void maintain(const Cancel&) = 0;
};

/// Opens or makes the mirror in `directory` (the bare repository is DIRECTORY/NUMBER.git). A damaged one is
/// read on as far as it goes; the next fetch clones a successor beside it, carries the pins over, and moves
/// it aside.
std::unique_ptr<Mirror> open_mirror(const std::string& directory);

}  // namespace gitopsd::source
