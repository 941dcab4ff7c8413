#include "daemon/source/address.h"

#include <algorithm>
#include <array>

#include "base/problem.h"

namespace gitopsd::source {

namespace {

struct Kind {
  std::string_view prefix;
  Scheme scheme;
  std::string_view port;
};
constexpr std::array<Kind, 5> kKinds{{{"http://", Scheme::http, "80"},
                                      {"https://", Scheme::https, "443"},
                                      {"git://", Scheme::git, "9418"},
                                      {"ssh://", Scheme::ssh, "22"},
                                      {"file://", Scheme::file, ""}}};

const Kind& kind_of(Scheme scheme) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.scheme == scheme; });
}

/// The host becomes an argument of ssh and a header: a leading "-" or a space must never get there.
bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 255 || host.front() == '-') return false;
  return std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
  });
}

bool is_user(std::string_view user) {
  return user.empty() || (user.front() != '-' && std::all_of(user.begin(), user.end(), [](unsigned char c) {
                            return c > 0x20 && c < 0x7f && c != ':' && c != '@' && c != '/';
                          }));
}

bool is_port(std::string_view port) {
  return !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

Failure bad(const RepositoryName& repository, std::string_view what) {
  // The URL itself is not repeated: it may hold a password.
  return fail(
      ProblemCause::input, "repository " + repository.str() + ": url: " + std::string(what),
      "write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, git://HOST/PATH or file:///PATH");
}

Address scp_like(const RepositoryName& repository, std::string_view url) {
  const auto colon = url.find(':');
  const auto slash = url.find('/');
  if (colon == std::string_view::npos || slash < colon || colon + 1 == url.size() || url[colon + 1] == ':' ||
      url.find("://") != std::string_view::npos)
    throw bad(repository, "no scheme that is known here");
  Address out;
  out.scheme = Scheme::ssh;
  std::string_view host = url.substr(0, colon);
  if (const auto at = host.rfind('@'); at != std::string_view::npos) {
    out.user = host.substr(0, at);
    host.remove_prefix(at + 1);
  }
  out.host = host;
  out.port = "22";
  out.path = url.substr(colon + 1);
  return out;
}

void split_authority(const RepositoryName& repository, std::string_view authority, Address& out) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    if (authority.substr(0, at).find(':') != std::string_view::npos)
      throw bad(repository,
                "holds a password: name it by `token` instead, as a credential, file or variable");
    out.user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) throw bad(repository, "'[' without ']'");
    out.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority.front() != ':') throw bad(repository, "text after ']'");
    if (!authority.empty()) out.port = authority.substr(1);
    return;
  }
  const auto colon = authority.find(':');
  out.host = authority.substr(0, colon);
  if (colon != std::string_view::npos) out.port = authority.substr(colon + 1);
}

}  // namespace

std::string Address::place() const {
  if (scheme == Scheme::file) return path;
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

std::string Address::authority() const {
  const std::string all = place();
  return port == kind_of(scheme).port ? all.substr(0, all.size() - port.size() - 1) : all;
}

Address parse_address(const RepositoryName& repository, std::string_view url) {
  if (url.size() > 4096) throw bad(repository, "longer than 4096 bytes");
  if (!std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c != 0x7f; }))
    throw bad(repository, "holds a space or a control character");

  const auto kind =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return url.starts_with(k.prefix); });
  Address out;
  if (kind == kKinds.end()) {
    out = scp_like(repository, url);
  } else {
    std::string_view rest = url.substr(kind->prefix.size());
    const auto slash = rest.find('/');
    out.scheme = kind->scheme;
    out.port = kind->port;
    out.path = slash == std::string_view::npos ? "" : rest.substr(slash);
    const std::string_view authority = rest.substr(0, slash);
    if (out.scheme == Scheme::file) {
      if (!authority.empty() || out.path.size() < 2) throw bad(repository, "file:// needs an absolute path");
      return out;
    }
    split_authority(repository, authority, out);
  }
  if (!is_host(out.host)) throw bad(repository, "no host, or one with characters that no host has");
  if (!is_port(out.port)) throw bad(repository, "a port that is no number");
  if (!is_user(out.user)) throw bad(repository, "a user with characters that are not allowed");
  if (out.path.empty() || out.path == "/") throw bad(repository, "no path");
  return out;
}

}  // namespace gitopsd::source
