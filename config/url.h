// Addresses: of repositories, proxies, listeners and networks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gitopsd::config {

struct Url {
  std::string scheme{};  ///< lower case; "ssh" for git@host:path, too
  std::string user{};
  std::string password{};
  std::string host{};  ///< lower case, an IPv6 address without its brackets; empty for file
  int port = 0;        ///< 0 where none is given
  std::string path{};  ///< as given, with its leading slash but for git@host:path
  std::string rest{};  ///< query and fragment
};

/// nullopt where it is neither scheme://... nor [user@]host:path.
std::optional<Url> parse_url(std::string_view text);

// Each checks a text of the configuration and returns its normal form, or throws Failure. No message repeats
// a URL that holds credentials.

/// Where a repository is fetched from: https, http, ssh, git, file or git@host:path, without credentials.
std::string normal_repository_url(const std::string& text);
/// `http://HOST:PORT`.
std::string normal_proxy(const std::string& text);
/// `https://HOST[/PREFIX]`, without a trailing slash; http is allowed, too (behind a proxy, for a test).
std::string normal_public_url(const std::string& text);
/// `ADDRESS:PORT` with an IPv4 address or an IPv6 address in brackets, or `systemd`.
std::string normal_listen(const std::string& text);
/// An address, or a block in CIDR notation.
std::string normal_network(const std::string& text);

/// `host/path` without user, scheme, port, ".git" and trailing slash: equal for two URLs of one repository.
std::string repository_identity(std::string_view url);
/// Whether the host is this machine: plain HTTP to it crosses no network.
bool is_loopback(std::string_view host);

}  // namespace gitopsd::config
