#include "daemon/server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gitopsd::server {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Some proxies add a port: `192.0.2.1:1234`, `[2001:db8::1]:1234`.
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) return text.substr(0, text.find(']') == text.npos ? 0 : text.find(']') + 1);
  if (std::count(text.begin(), text.end(), ':') == 1) return text.substr(0, text.find(':'));
  return text;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  char zero_ended[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof zero_ended) return std::nullopt;
  std::copy(text.begin(), text.end(), zero_ended);
  Address address;
  if (inet_pton(AF_INET6, zero_ended, address.bytes_.data()) == 1) return address;
  if (inet_pton(AF_INET, zero_ended, address.bytes_.data() + kMapped.size()) != 1) return std::nullopt;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
  return address;
}

Address Address::of(const sockaddr_storage& name) {
  Address address;
  if (name.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
    std::memcpy(address.bytes_.data(), &v6.sin6_addr, 16);
  } else if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
    std::memcpy(address.bytes_.data() + kMapped.size(), &v4.sin_addr, 4);
  }
  return address;
}

bool Address::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::string Address::str() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4())
    inet_ntop(AF_INET, bytes_.data() + kMapped.size(), text, sizeof text);
  else
    inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

Address Address::counted() const {
  Address network = *this;
  if (!is_v4()) std::fill(network.bytes_.begin() + 8, network.bytes_.end(), std::uint8_t{0});
  return network;
}

std::size_t AddressHash::operator()(const Address& address) const {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(address.bytes().data()), 16});
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = Address::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  AddressRange range;
  range.base_ = *base;
  if (slash == text.npos) return range;
  const auto digits = text.substr(slash + 1);
  const int most = base->is_v4() ? 32 : 128;
  int bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits < 0 || bits > most)
    return std::nullopt;
  range.bits_ = bits + 128 - most;
  return range;
}

bool AddressRange::contains(const Address& address) const {
  const std::size_t whole = static_cast<std::size_t>(bits_ / 8);
  const auto &a = address.bytes(), &b = base_.bytes();
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
  if (bits_ % 8 == 0) return true;
  const int shift = 8 - bits_ % 8;
  return a[whole] >> shift == b[whole] >> shift;
}

bool any_contains(std::span<const AddressRange> ranges, const Address& address) {
  return std::ranges::any_of(ranges, [&](const AddressRange& range) { return range.contains(address); });
}

Address client_address(const Address& peer, const handlers::Headers& headers,
                       std::span<const AddressRange> trusted) {
  Address client = peer;
  if (!any_contains(trusted, peer)) return client;
  const auto& fields = headers.fields();
  for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
    if (!handlers::same_name(field->first, "X-Forwarded-For")) continue;
    std::string_view list = field->second;
    while (!list.empty()) {
      const auto comma = list.rfind(',');
      const auto last = comma == list.npos ? list : list.substr(comma + 1);
      const auto address = Address::parse(without_port(trim(last)));
      if (!address) return client;
      client = *address;
      if (!any_contains(trusted, client)) return client;
      list = comma == list.npos ? std::string_view() : list.substr(0, comma);
    }
  }
  return client;
}

}  // namespace gitopsd::server
