#include "daemon/source/address.h"

#include <doctest/doctest.h>

#include "tests/unit/source/fixture.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

TEST_CASE("a clone URL is taken apart") {
  const struct {
    const char* url;
    Scheme scheme;
    const char *user, *host, *port, *path, *authority;
  } cases[] = {
      {"https://git.example.com/a/b.git", Scheme::https, "", "git.example.com", "443", "/a/b.git",
       "git.example.com"},
      {"https://bot@git.example.com:8443/a", Scheme::https, "bot", "git.example.com", "8443", "/a",
       "git.example.com:8443"},
      {"http://[::1]:80/a", Scheme::http, "", "::1", "80", "/a", "[::1]"},
      {"ssh://git@git.example.com:2222/a", Scheme::ssh, "git", "git.example.com", "2222", "/a",
       "git.example.com:2222"},
      {"git@git.example.com:a/b.git", Scheme::ssh, "git", "git.example.com", "22", "a/b.git",
       "git.example.com"},
      {"git://git.example.com/a", Scheme::git, "", "git.example.com", "9418", "/a", "git.example.com"},
      {"file:///srv/git/a", Scheme::file, "", "", "", "/srv/git/a", nullptr},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.url));
    const Address address = parse_address(RepositoryName("web"), c.url);
    CHECK(address.scheme == c.scheme);
    CHECK(address.user == c.user);
    CHECK(address.host == c.host);
    CHECK(address.port == c.port);
    CHECK(address.path == c.path);
    if (c.authority != nullptr) CHECK(address.authority() == c.authority);
  }
}

TEST_CASE("a URL that could mean something else is refused without being repeated") {
  for (const std::string url : {"",
                                "/srv/git",
                                "ext::sh -c true",
                                "https://",
                                "https://host",
                                "https://host/",
                                "https:///path",
                                "file://host/path",
                                "https://bot:hunter2@host/a",
                                "ssh://-oProxyCommand=x/a",
                                "-oProxyCommand=x:a",
                                "ssh://host:2x/a",
                                "https://ho st/a",
                                "https://host/a\r\nX: y",
                                "https://host/a b",
                                "ssh://-l@host/a",
                                "http://[::1/a",
                                "ftp://host/a",
                                "ext::x",
                                "https://[::1]x/a",
                                "https://ho\"st/a"}) {
    CAPTURE(url);
    const auto failure = failure_of([&] { parse_address(RepositoryName("web"), url); });
    CHECK(failure.cause() == ProblemCause::input);
    CHECK(contains(failure.what(), "repository web: url: "));
    CHECK_FALSE(contains(failure.what(), "hunter2"));
  }
}
