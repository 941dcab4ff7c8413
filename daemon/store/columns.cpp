#include "daemon/store/columns.h"

#include <algorithm>

#include "base/hash.h"
#include "daemon/store/nibbles.h"

namespace gitopsd::store {
namespace {

bool lower_hex(std::string_view text) {
  if (text.size() % 2 != 0) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string packed(std::string_view text) {
  if (text.empty()) return {};
  if (lower_hex(text)) {
    if (auto bytes = from_hex(text)) return 'b' + *bytes;
  }
  return 't' + std::string(text);
}

std::string unpacked(std::string_view stored) {
  if (stored.empty()) return {};
  const auto rest = stored.substr(1);
  if (stored.front() == 't') return std::string(rest);
  return to_hex({reinterpret_cast<const std::uint8_t*>(rest.data()), rest.size()});
}

CommitBytes::CommitBytes(const CommitId& commit) {
  const std::string& hex = commit.str();
  for (; size_ * 2 < hex.size() && size_ < bytes_.size(); ++size_) {
    bytes_[size_] = static_cast<char>(byte_of(hex[size_ * 2], hex[size_ * 2 + 1]));
  }
}

CommitId commit_of(std::string_view bytes) {
  return CommitId::parse(to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}))
      .value_or(CommitId());
}

std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace gitopsd::store
