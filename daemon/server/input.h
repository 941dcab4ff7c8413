// The bytes of a connection that were received and not yet used up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

namespace gitopsd::server {

/// Bytes that all connections may hold together before a proof. Thread-safe.
class Budget {
 public:
  void set_limit(std::size_t limit) { limit_ = limit; }
  bool take(std::size_t bytes);
  void give_back(std::size_t bytes) { used_ -= bytes; }
  std::size_t used() const { return used_; }

 private:
  std::atomic<std::size_t> limit_ = 64u << 20;
  std::atomic<std::size_t> used_ = 0;
};

/// Reads go to a scratch area that all connections of a door share, so that an idle one holds nothing and a
/// request that arrives whole is never copied; what must outlive a suspension is kept in memory taken from
/// the budget.
class Input {
 public:
  Input(Budget& budget, std::span<char> scratch) : budget_(budget), scratch_(scratch) {}
  ~Input() { release(); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  std::string_view bytes() const { return bytes_; }
  /// Moves what lies in the scratch area into memory of our own: before every suspension. False beyond the
  /// budget.
  bool keep();
  /// Where the next read goes, after `keep`; empty beyond the budget. `total` is how many bytes are awaited
  /// in all, 0 where that is not known.
  std::span<char> space(std::size_t total);
  void received(std::size_t count);
  /// Drops bytes from the front; memory goes back when nothing is left.
  void consume(std::size_t count);
  std::size_t held() const { return capacity_; }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  bool grow(std::size_t capacity);
  void release();

  Budget& budget_;
  std::span<char> scratch_;
  std::string_view bytes_;
  std::unique_ptr<char, Free> own_;
  std::size_t capacity_ = 0;
};

}  // namespace gitopsd::server
