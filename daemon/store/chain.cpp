#include "daemon/store/chain.h"

#include "base/hash.h"

namespace gitopsd::store {

Sha256 chain_hash(const Sha256& previous, std::int64_t sequence, WallMicros when, std::string_view entry) {
  std::string text = to_hex(previous);
  text += ' ' + std::to_string(sequence) + ' ' + std::to_string(when) + ' ';
  return sha256(text.append(entry));
}

}  // namespace gitopsd::store
