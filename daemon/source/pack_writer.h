// A pack from the network into the depot, with its index, synced.
#pragma once

#include <string_view>

#include "daemon/source/depot.h"
#include "daemon/source/operation.h"

namespace gitopsd::source {

class PackWriter {
 public:
  PackWriter(const Operation&, Depot&, const Depot::Lease&);
  ~PackWriter();
  PackWriter(const PackWriter&) = delete;
  PackWriter& operator=(const PackWriter&) = delete;
  void append(std::string_view bytes);
  /// After the last byte. Throws Failure when objects are missing or broken.
  void commit();

 private:
  Failure failure() const;
  void report();

  const Operation& operation_;
  Depot& depot_;
  const Depot::Lease& lease_;
  git_indexer* indexer_ = nullptr;
  git_indexer_progress progress_{};
  std::uint64_t bytes_ = 0;
  Deadline reported_{};
};

}  // namespace gitopsd::source
