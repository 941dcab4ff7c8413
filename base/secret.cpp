#include "base/secret.h"

#include <openssl/crypto.h>

#include <utility>

namespace gitopsd {

// NOLINTNEXTLINE(performance-move-constructor-init)
Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_) {
  // A copy and a wipe: moving a short string would leave its bytes behind in the other's own buffer.
  wipe(other.bytes_.data(), other.bytes_.size());
  other.bytes_.clear();
}

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe(bytes_.data(), bytes_.size());  // before the string gives up its buffer
  bytes_ = other.bytes_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(bytes_.data(), bytes_.size());
  bytes_ = other.bytes_;
  wipe(other.bytes_.data(), other.bytes_.size());
  other.bytes_.clear();
  return *this;
}

Secret::~Secret() {
  wipe(bytes_.data(), bytes_.size());
}

bool Secret::equals(std::string_view other) const {
  return bytes_.size() == other.size() && CRYPTO_memcmp(bytes_.data(), other.data(), other.size()) == 0;
}

bool constant_time_equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(void* bytes, std::size_t size) {
  if (size > 0) OPENSSL_cleanse(bytes, size);
}

}  // namespace gitopsd
