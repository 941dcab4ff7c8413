// Which repository a payload means, and URLs.
#include <doctest/doctest.h>

#include "config/match.h"
#include "config/url.h"

using namespace gitopsd;

namespace {

const char* const kConfig = R"(
server: {plain_http: true}
repositories:
  - {name: infra, url: "https://github.com/octo/infra.git"}
  - {name: site, url: "git@gitlab.example.com:web/site.git", known_hosts: /kh, aliases: [team/site, "https://mirror.example.com/site"]}
  - {name: twin, url: "https://x@forge.example.com/a/twin"}
  - {name: other, url: "https://github.com/octo/other"}
hooks:
  - {name: h, forge: github, secrets: [{file: /s}], repositories: [infra, site]}
  - {name: only-other, forge: github, secrets: [{file: /s}], repositories: [other]}
)";

struct Fixture {
  config::Snapshot c = config::parse([] {
    std::string text = kConfig;
    return text.erase(text.find("x@"), 2);
  }());
  std::string match(const char* hook, std::string_view full_name, std::vector<std::string> urls) const {
    const auto* found = config::RepositoryMatch(*c, *c->hook(HookName(hook))).find(full_name, urls);
    return found == nullptr ? "" : found->name.str();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a payload means a repository by URL or other name") {
  CHECK(match("h", "octo/infra", {"https://github.com/octo/infra.git"}) == "infra");
  CHECK(match("h", "", {"git://GitHub.com/octo/infra/"}) == "infra");
  CHECK(match("h", "", {"ssh://git@github.com:22/octo/infra.git"}) == "infra");
  CHECK(match("h", "", {"git@github.com:octo/infra"}) == "infra");
  CHECK(match("h", "", {"https://gitlab.example.com/web/site"}) == "site");
  CHECK(match("h", "team/site", {}) == "site");
  CHECK(match("h", "", {"https://mirror.example.com/site.git"}) == "site");
}

TEST_CASE_FIXTURE(Fixture, "names and URLs are compared whole") {
  CHECK(match("h", "octo/infra", {}) == "");
  CHECK(match("h", "am/site", {}) == "");
  CHECK(match("h", "", {"https://github.com/octo/infra2"}) == "");
  CHECK(match("h", "", {"https://github.com/x/octo/infra"}) == "");
  CHECK(match("h", "", {"https://github.com.evil.example/octo/infra"}) == "");
  CHECK(match("h", "", {"https://evil.example/github.com/octo/infra"}) == "");
  CHECK(match("h", "", {"", "not a url", "https://"}) == "");
  CHECK(match("h", "", {}) == "");
}

TEST_CASE_FIXTURE(Fixture, "a hook speaks only for its repositories, and only for one at a time") {
  CHECK(match("h", "", {"https://github.com/octo/other"}) == "");
  CHECK(match("only-other", "", {"https://github.com/octo/other"}) == "other");
  CHECK(match("h", "team/site", {"https://github.com/octo/infra"}) == "");
}

TEST_CASE("loopback hosts") {
  CHECK(config::is_loopback("127.0.0.1"));
  CHECK(config::is_loopback("localhost"));
  CHECK(config::is_loopback("::1"));
  CHECK(!config::is_loopback("127.0.0.1.evil.example"));
  CHECK(!config::is_loopback("10.0.0.1"));
}
