#include <doctest/doctest.h>

#include <algorithm>

#include "handlers/handler.h"

using namespace gitopsd::handlers;

TEST_CASE("Forges are found by their word, and only by it") {
  CHECK(forges() == std::vector<std::string>{"github", "gitlab"});
  CHECK(std::ranges::is_sorted(forges()));
  for (const auto& word : forges()) {
    REQUIRE(find_handler(word) != nullptr);
    CHECK(find_handler(word)->forge() == word);
  }
  CHECK(find_handler("GitHub") == nullptr);
  CHECK(find_handler("") == nullptr);
}

TEST_CASE("No header that can hold a secret or a proof is storable") {
  for (const auto& word : forges())
    for (const auto name : find_handler(word)->storable_headers()) {
      CAPTURE(name);
      for (const char* part : {"token", "secret", "signature", "authorization", "cookie", "forwarded"})
        CHECK(name.find(part) == name.npos);
      CHECK(std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }));
    }
}

TEST_CASE("Headers keep order, count without case, and tell missing from empty") {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  headers.add("X-B", "");
  CHECK(headers.find("x-A") == "1");
  CHECK(headers.count("X-a") == 2);
  CHECK(headers.find("X-B").data() != nullptr);
  CHECK(headers.find("X-C").data() == nullptr);
  CHECK(headers.count("X") == 0);
}
