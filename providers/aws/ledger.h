// What stands in a bucket beneath a prefix, as far as it is known; survives the process, so that a push which
// changes one object among thousands asks S3 for nothing else.
//
// A file that is appended to: JSON lines, one for each piece of news. Losing it loses nothing: the bucket is
// listed, and objects say themselves what they hold.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"

namespace gitopsd::aws {

/// One object.
struct Known {
  std::string digest;  ///< SHA-256 of its bytes; empty: not known, or not what we would have sent
  std::string facts;   ///< as WantedObject has them; empty likewise
  std::string owner;   ///< whose it is, as its metadata say; empty: nobody's
  std::string etag;    ///< empty: not looked at since a write was begun
  std::uint64_t size = 0;
  std::int64_t at = 0;  ///< when it was stored, by S3's clock
  bool opaque = false;  ///< its tag is no digest of the bytes
  bool operator==(const Known&) const = default;
};
using KnownObjects = std::map<std::string, Known>;  ///< by key
/// Without a value: the object is not there.
using News = std::vector<std::pair<std::string, std::optional<Known>>>;

/// Thread-safe.
class Ledger {
 public:
  /// `content`: what it is of, which the file remembers.
  explicit Ledger(std::string path, std::string content = {});

  /// Whose the content is: who wrote to it last; else, whose all of its objects are. Empty where neither is
  /// known.
  std::string owner() const;

  /// As they are now: what is learned later does not change them.
  std::shared_ptr<const KnownObjects> objects() const;
  /// Grows with each piece of news. What was written down when it was `then` is in here if this is no less.
  std::uint64_t at() const;
  /// These are going to be written by the owner: what stands there is not known from now on, also after a
  /// power cut. Throws Failure (destination), as all that write.
  void begin(const std::vector<std::string>& keys, const std::string& owner);
  void learn(const News&);
  /// All of it was compared with the bucket, and is as new as what was written at `then`.
  void confirm(std::uint64_t then);
  /// There is nothing to know any more.
  void clear();

 private:
  void load();
  void take(const News&);
  void append(const News&, bool durable);
  void rewrite();

  std::string line(const News&) const;

  const std::string path_;
  mutable std::mutex mutex_;
  const std::string content_;
  std::string owner_;
  bool named_ = false;  ///< the file says of what and whose it is
  std::shared_ptr<KnownObjects> objects_ =
      std::make_shared<KnownObjects>();  ///< copied to be changed while lent
  std::uint64_t at_ = 0;
  std::size_t appended_ = 0;  ///< objects in the lines since it was last written anew
};

/// Of all contents of one destination, a file each. Thread-safe.
class Ledgers {
 public:
  /// The folder is made when something is written. Empty: nothing is kept.
  explicit Ledgers(std::string folder) : folder_(std::move(folder)) {}
  std::shared_ptr<Ledger> of(const ResourceId&);
  /// Of all contents that are remembered, by whichever process.
  std::map<ResourceId, std::shared_ptr<Ledger>> all();

 private:
  const std::string folder_;
  std::mutex mutex_;
  std::map<ResourceId, std::shared_ptr<Ledger>> open_;
};

}  // namespace gitopsd::aws
