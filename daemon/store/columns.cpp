#include "daemon/store/columns.h"

#include <algorithm>

#include "base/hash.h"

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

CommitId commit_of(std::string_view stored) {
  return CommitId::parse(unpacked(stored)).value_or(CommitId());
}

}  // namespace gitopsd::store
