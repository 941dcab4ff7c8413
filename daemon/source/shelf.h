// The generations of a mirror on disk: DIRECTORY/NUMBER.git. A damaged one stays readable until its successor
// is whole, and a successor never takes its path: libgit2 shares open packs by path.
#pragma once

#include <memory>
#include <string>

#include "daemon/source/depot.h"

namespace gitopsd::source {

class Shelf {
 public:
  /// Throws Failure naming the directory.
  explicit Shelf(std::string directory);
  /// The newest generation, made where there is none; marked damaged where it is.
  std::shared_ptr<Depot> open();
  /// An empty repository to become the next generation.
  std::shared_ptr<Depot> begin_next();
  /// Puts it in the place of the newest one, which is moved aside to `damaged-NUMBER.git`; only one is kept
  /// so.
  std::shared_ptr<Depot> finish_next(const std::shared_ptr<Depot>&);

 private:
  std::string path(int number) const;

  std::string directory_;
  int number_ = 0;
};

}  // namespace gitopsd::source
