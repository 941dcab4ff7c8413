#include "daemon/source/packet.h"

#include <charconv>
#include <cstring>

namespace gitopsd::source {

namespace {

/// Room for two of the largest packets.
constexpr std::size_t kPacketBuffer = 128u << 10;

}  // namespace

void append_packet(std::string& out, std::string_view data) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::size_t size = data.size() + 4;
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[(size >> shift) & 15];
  out += data;
}

void PacketReader::restart() {
  begin_ = end_ = 0;
  buffer_ = {};
}

bool PacketReader::fill(const Operation& operation, std::size_t need) {
  if (end_ - begin_ < need && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  buffer_.resize(kPacketBuffer);
  while (end_ - begin_ < need) {
    const std::size_t got = service_.read(operation, buffer_.data() + end_, buffer_.size() - end_);
    if (got == 0) return false;
    end_ += got;
    // A server that drips never lets a wait run out, so the whole is looked at here too.
    operation.check("receiving");
  }
  return true;
}

Packet PacketReader::next(const Operation& operation) {
  if (!fill(operation, 4)) {
    if (end_ != begin_) throw service_.ended(operation);
    return {};
  }
  const char* const digits = buffer_.data() + begin_;
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(digits, digits + 4, size, 16);
  if (error != std::errc() || end != digits + 4 || size == 3)
    throw operation.failure(ProblemCause::transient,
                            "sends what is not Git's protocol: \"" + printable({digits, 4}) + "\"",
                            "is the url that of a Git repository?");
  if (size < 4) {
    begin_ += 4;
    // 0002 ends a response only on connections that ask for it, which these do not.
    return {size == 1 ? Packet::Kind::delimiter : Packet::Kind::flush, {}};
  }
  if (!fill(operation, size)) throw service_.ended(operation);
  const Packet packet{Packet::Kind::data, {buffer_.data() + begin_ + 4, size - 4}};
  begin_ += size;
  return packet;
}

}  // namespace gitopsd::source
