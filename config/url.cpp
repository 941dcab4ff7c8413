#include "config/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/problem.h"
#include "config/quote.h"

namespace gitopsd::config {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<int> parse_number(std::string_view text, int most) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > most)
    return std::nullopt;
  return number;
}

// Network bits of the address's family, or nothing where it is no address.
std::optional<int> address_bits(const std::string& text) {
  in6_addr bytes;
  if (inet_pton(AF_INET, text.c_str(), &bytes) == 1) return 32;
  if (inet_pton(AF_INET6, text.c_str(), &bytes) == 1) return 128;
  return std::nullopt;
}

bool valid_host(const std::string& host) {
  if (host.find(':') != host.npos) return address_bits(host) == 128;
  constexpr std::string_view characters = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  return !host.empty() && host.front() != '-' && host.find_first_not_of(characters) == host.npos;
}

// HOST, HOST:PORT, [V6] or [V6]:PORT.
bool split_authority(std::string_view text, Url& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) return false;
    url.host = lower(text.substr(1, close - 1));
    if (url.host.find(':') == url.host.npos) return false;
    port = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    url.host = lower(text.substr(0, colon));
    if (colon != text.npos) port = text.substr(colon);
  }
  if (port.empty()) return true;
  const auto number = port.starts_with(':') ? parse_number(port.substr(1), 65535) : std::nullopt;
  if (!number || *number == 0) return false;
  url.port = *number;
  return true;
}

std::optional<Url> parse_scp_form(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos || text.substr(0, colon).find('/') != text.npos) return std::nullopt;
  Url url{.scheme = "ssh"};
  auto host = text.substr(0, colon);
  if (const auto at = host.find('@'); at != host.npos) {
    url.user = host.substr(0, at);
    host.remove_prefix(at + 1);
  }
  url.host = lower(host);
  url.path = text.substr(colon + 1);
  if (!valid_host(url.host) || url.path.empty()) return std::nullopt;
  return url;
}

Failure bad(std::string message, std::string hint) {
  return fail(ProblemCause::input, std::move(message), std::move(hint));
}

Failure credentials_inside() {
  return bad("credentials inside a URL are not allowed",
             "give the user as `user` and the password as `token`, by reference");
}

bool has_space_or_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

// What every configured URL has to obey.
Url checked_url(const std::string& text, std::string_view what, std::string_view example) {
  const auto url = has_space_or_control(text) ? std::nullopt : parse_url(text);
  if (url && !url->password.empty()) throw credentials_inside();
  if (!url) {
    // Not repeated where it may hold a password.
    const auto shown = text.find('@') == text.npos ? in_quotes(text) : std::string("this");
    throw bad(shown + " is no " + std::string(what), "such as " + std::string(example));
  }
  if (!url->rest.empty())
    throw bad(in_quotes(text) + " has a query or fragment", "such as " + std::string(example));
  return *url;
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  const auto mark = text.find("://");
  if (mark == text.npos) return parse_scp_form(text);
  Url url{.scheme = lower(text.substr(0, mark))};
  text.remove_prefix(mark + 3);
  if (const auto rest = text.find_first_of("?#"); rest != text.npos) {
    url.rest = text.substr(rest);
    text = text.substr(0, rest);
  }
  const auto slash = std::min(text.find('/'), text.size());
  auto authority = text.substr(0, slash);
  url.path = text.substr(slash);
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    const auto user = authority.substr(0, at);
    const auto colon = user.find(':');
    url.user = user.substr(0, colon);
    if (colon != user.npos) url.password = user.substr(colon + 1);
    authority.remove_prefix(at + 1);
  }
  if (url.scheme == "file")
    return authority.empty() && url.path.size() > 1 ? std::optional(url) : std::nullopt;
  if (!split_authority(authority, url) || !valid_host(url.host)) return std::nullopt;
  return url;
}

std::string normal_repository_url(const std::string& text) {
  constexpr std::string_view example = "https://github.com/owner/name.git or git@github.com:owner/name.git";
  const auto url = checked_url(text, "URL of a repository", example);
  const bool web = url.scheme == "https" || url.scheme == "http";
  if (!web && url.scheme != "ssh" && url.scheme != "git" && url.scheme != "file") {
    throw bad("the scheme " + in_quotes(url.scheme) + " is not known", "use https, ssh, http, git or file");
  }
  // A token is often given as the user.
  if (!url.user.empty() && url.scheme != "ssh") {
    throw credentials_inside();
  }
  if (url.user.starts_with('-'))
    throw bad("the user of the URL begins with '-'", "such as git@github.com:owner/name.git");
  if (url.path.empty() || url.path == "/")
    throw bad(in_quotes(text) + " has no path", "such as " + std::string(example));
  if (url.path.starts_with('-'))
    throw bad("the path of the URL begins with '-'", "write it as ssh://HOST/PATH");
  return text;
}

std::string normal_proxy(const std::string& text) {
  const auto url = checked_url(text, "proxy", "http://proxy.example:3128");
  if (url.scheme != "http" || !url.user.empty() || url.port == 0 || (!url.path.empty() && url.path != "/")) {
    throw bad("a proxy is given as http://HOST:PORT", "such as http://proxy.example:3128");
  }
  return text;
}

std::string normal_public_url(const std::string& text) {
  const auto url = checked_url(text, "URL", "https://gitops.example.com");
  if ((url.scheme != "https" && url.scheme != "http") || !url.user.empty()) {
    throw bad("the public URL is given as https://HOST", "such as https://gitops.example.com");
  }
  std::string out = text;
  while (out.ends_with('/')) out.pop_back();
  return out;
}

std::string normal_listen(const std::string& text) {
  if (text == "systemd") return text;
  const auto colon = text.rfind(':');
  const auto port =
      colon == text.npos ? std::nullopt : parse_number(std::string_view(text).substr(colon + 1), 65535);
  auto host = text.substr(0, std::min(colon, text.size()));
  int bits = 32;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    bits = 128;
  }
  if (port && address_bits(host) == bits) return text;
  throw bad(in_quotes(text) + " is no address and port",
            "such as 0.0.0.0:443, [::]:443 or 127.0.0.1:8080, or systemd");
}

std::string normal_network(const std::string& text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto bits = address_bits(text.substr(0, slash));
  if (bits && (slash == text.size() || parse_number(std::string_view(text).substr(slash + 1), *bits)))
    return text;
  throw bad(in_quotes(text) + " is no address or CIDR block", "such as 10.0.0.5, 10.0.0.0/8 or fd00::/8");
}

std::string repository_identity(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return {};
  std::string_view path = url->path;
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  return url->host + "/" + std::string(path);
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && address_bits(std::string(host)) == 32);
}

}  // namespace gitopsd::config
