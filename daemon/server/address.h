// Network addresses as the limits count them, and who a request really came from behind a trusted proxy.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "handlers/handler.h"

namespace gitopsd::server {

/// An IPv4 or IPv6 address without port; IPv4 is kept mapped into IPv6, so that both forms of one are equal.
class Address {
 public:
  Address() = default;
  /// `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`; nullopt for anything else.
  static std::optional<Address> parse(std::string_view text);
  static Address of(const sockaddr_storage& name);
  std::string str() const;
  bool is_v4() const;
  /// What limits count by: an IPv4 address, or the /64 that an IPv6 host is given whole.
  Address counted() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  auto operator<=>(const Address&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

struct AddressHash {
  std::size_t operator()(const Address& address) const;
};

/// One address or a CIDR block.
class AddressRange {
 public:
  static std::optional<AddressRange> parse(std::string_view text);
  bool contains(const Address& address) const;

 private:
  Address base_;
  int bits_ = 128;
};

/// The peer, or where it is a trusted proxy the last address in X-Forwarded-For that is none.
Address client_address(const Address& peer, const handlers::Headers& headers,
                       std::span<const AddressRange> trusted);

bool any_contains(std::span<const AddressRange> ranges, const Address& address);

}  // namespace gitopsd::server
