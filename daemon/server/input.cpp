#include "daemon/server/input.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace gitopsd::server {
namespace {

constexpr std::size_t kSmallest = 4096;

}  // namespace

bool Budget::take(std::size_t bytes) {
  std::size_t used = used_;
  do {
    const std::size_t limit = limit_;
    if (bytes > limit || used > limit - bytes) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

bool Input::keep() {
  if (bytes_.empty() || bytes_.data() == own_.get()) return true;
  if (bytes_.size() <= capacity_) {
    std::memmove(own_.get(), bytes_.data(), bytes_.size());
    bytes_ = {own_.get(), bytes_.size()};
    return true;
  }
  return grow(std::max(kSmallest, bytes_.size()));
}

bool Input::grow(std::size_t capacity) {
  if (!budget_.take(capacity - capacity_)) return false;
  const bool is_ours = own_ && bytes_.data() >= own_.get() && bytes_.data() < own_.get() + capacity_;
  const std::size_t offset = is_ours ? static_cast<std::size_t>(bytes_.data() - own_.get()) : 0;
  // realloc moves large blocks by their pages, without a second copy.
  char* larger = static_cast<char*>(std::realloc(own_.get(), capacity));
  if (larger == nullptr) {
    budget_.give_back(capacity - capacity_);
    return false;
  }
  std::ignore = own_.release();
  own_.reset(larger);
  capacity_ = capacity;
  if (!bytes_.empty()) std::memmove(larger, is_ours ? larger + offset : bytes_.data(), bytes_.size());
  bytes_ = {larger, bytes_.size()};
  return true;
}

std::span<char> Input::space(std::size_t total) {
  if (bytes_.empty() && !own_) return scratch_;
  if (bytes_.size() == capacity_) {
    const std::size_t doubled = std::max(kSmallest, capacity_ * 2);
    if (!grow(total > capacity_ ? std::min(doubled, total) : doubled)) return {};
  }
  const std::size_t room = capacity_ - bytes_.size();
  const std::size_t awaited = total > bytes_.size() ? total - bytes_.size() : room;
  return {own_.get() + bytes_.size(), std::min(room, awaited)};
}

void Input::received(std::size_t count) {
  const char* begin = bytes_.empty() ? (own_ ? own_.get() : scratch_.data()) : bytes_.data();
  bytes_ = {begin, bytes_.size() + count};
}

void Input::consume(std::size_t count) {
  bytes_.remove_prefix(count);
  if (bytes_.empty()) release();
}

void Input::release() {
  budget_.give_back(capacity_);
  own_.reset();
  capacity_ = 0;
  bytes_ = {};
}

}  // namespace gitopsd::server
