#include <doctest/doctest.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/types.h"
#include "base/yaml.h"

namespace gitopsd {

TEST_CASE("a ref is whole and well-formed or no ref at all") {
  CHECK(Ref::parse("refs/heads/main"));
  CHECK(Ref::parse("refs/heads/feature/x-1"));
  for (const char* bad :
       {"main", "refs/heads", "refs/heads/", "refs/heads/..", "refs/heads/a..b", "refs/heads/-x",
        "refs/heads/a b", "refs/heads/a\n", "refs/heads/x.lock", "refs/heads/a//b", "refs/heads/a@{1}"}) {
    CAPTURE(bad);
    CHECK_FALSE(Ref::parse(bad));
  }
}

TEST_CASE("a commit id has forty digits") {
  CHECK(CommitId::parse(std::string(40, 'A'))->str() == std::string(40, 'a'));
  CHECK_FALSE(CommitId::parse(std::string(64, 'a')));
  CHECK_FALSE(CommitId::parse(std::string(39, 'a') + "g"));
  CHECK(CommitId::parse(std::string(40, '0'))->is_zero());
}

TEST_CASE("HMAC and encodings give the published results") {
  CHECK(to_hex(hmac_sha256("It's a Secret to Everybody", "Hello, World!")) ==
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  CHECK(to_base64("foobar") == "Zm9vYmFy");
  CHECK(from_base64("Zm8=") == "fo");
  CHECK_FALSE(from_base64("Zm8"));
  CHECK_FALSE(from_base64("Zm 8="));
  CHECK_FALSE(from_hex("0g"));
}

TEST_CASE("JSON is read strictly and written in one canonical form") {
  CHECK(to_json(parse_json(R"({"b":[1,2.5,null],"a":"é"})")) == R"({"a":"é","b":[1,2.5,null]})");
  CHECK_THROWS_AS(parse_json(R"({"a":1,"a":2})"), Failure);
  CHECK_THROWS_AS(parse_json("18446744073709551616"), Failure);
  CHECK(parse_json("18446744073709551615").is_uint());
  CHECK(parse_json("1e20").is_double());
  CHECK_THROWS_AS(parse_json("\"\xff\""), Failure);
  CHECK_THROWS_AS(parse_json(std::string(200, '[') + std::string(200, ']')), Failure);
  CHECK_THROWS_AS(parse_json("1 2"), Failure);
  try {
    parse_json("{\n  \"a\": x}", "f.json");
    FAIL("accepted");
  } catch (const Failure& failure) {
    CHECK(failure.problems()[0].position.line == 2);
    CHECK(failure.problems()[0].file == "f.json");
  }
}

TEST_CASE("YAML positions are those of the file, across documents") {
  const auto documents = parse_yaml("a: 1\n---\nb:\n  c: x\n", "f");
  REQUIRE(documents.size() == 2);
  CHECK(documents[1].at_pointer("/b/c")->position == Position{4, 6});
  try {
    parse_yaml("a: 1\n---\nb: 1\nb: 2\n", "f.yaml");
    FAIL("accepted");
  } catch (const Failure& failure) {
    CHECK(failure.problems()[0].str().starts_with("f.yaml:4:1: "));
  }
}

TEST_CASE("an alias bomb and deep nesting end at their limits") {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    const std::string p(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [*" + p + ",*" + p + ",*" + p + ",*" + p + ",*" + p + ",*" + p +
            ",*" + p + ",*" + p + "]\n";
  }
  CHECK_THROWS_WITH_AS(parse_yaml(bomb, "f"), doctest::Contains("excessive aliasing"), Failure);
  CHECK_THROWS_AS(parse_yaml(std::string(300, '[') + std::string(300, ']'), "f"), Failure);
  CHECK_THROWS_AS(parse_yaml("a: &a [*a]", "f"), Failure);
  CHECK_THROWS_AS(parse_yaml("a: \xff", "f"), Failure);
}

TEST_CASE("did you mean") {
  CHECK(did_you_mean("repositry", {"repository", "hooks"}) == "repository");
  CHECK(did_you_mean("zzz", {"repository", "hooks"}).empty());
}

}  // namespace gitopsd
