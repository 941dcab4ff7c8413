#include "base/heap.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

// A sanitizer's malloc is not the one that keeps what is freed.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace gitopsd {
namespace {

TEST_CASE("what is free between what is used goes back to the system, and only where it is worth it") {
  HeapTrim heap;
  heap.look();  // what was there before
  CHECK_FALSE(heap.look());

  std::vector<std::unique_ptr<std::vector<char>>> pieces(64 << 10);
  for (auto& piece : pieces) piece = std::make_unique<std::vector<char>>(1000, 'x');
  const std::size_t full = resident_bytes();
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (i % 64 != 0) pieces[i].reset();
  CHECK(resident_bytes() + (8u << 20) > full);
  CHECK(heap.look());
  CHECK(resident_bytes() + (48u << 20) < full);
  CHECK_FALSE(heap.look());
}

}  // namespace
}  // namespace gitopsd

#endif
