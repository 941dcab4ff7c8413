#include <doctest/doctest.h>

#include <limits>

#include "base/json.h"

namespace gitopsd {

TEST_CASE("a value says its type and refuses to be another") {
  CHECK(Value().is_null());
  CHECK(Value(std::uint64_t{5}).is_int());
  CHECK(Value(std::numeric_limits<std::uint64_t>::max()).is_uint());
  CHECK(Value(1) == Value(std::int64_t{1}));
  CHECK_FALSE(Value(1) == Value(1.0));
  CHECK(Value(1).as_double() == 1.0);
  CHECK(Value("x").type_name() == "string");
  Value placed(true);
  placed.position = {4, 2};
  CHECK_THROWS_WITH_AS(placed.as_string(), "line 4:2: expected a string, found boolean", Failure);
  CHECK_THROWS_WITH_AS(Value("x").as_int(), "expected an integer, found string", Failure);
  CHECK_THROWS_AS(Value(1.5).as_int(), Failure);
  CHECK_THROWS_AS(Value(std::numeric_limits<std::uint64_t>::max()).as_int(), Failure);
  CHECK(placed == Value(true));
}

TEST_CASE("members are found, null is missing, a wrong type is an error") {
  const Value v = parse_json(R"({"s":"x","i":3,"b":true,"n":null,"a":[1]})");
  CHECK(v.get_string("s") == "x");
  CHECK(v.get_string("gone", "other") == "other");
  CHECK(v.get_string("n", "other") == "other");
  CHECK(v.get_int("i") == 3);
  CHECK(v.get_bool("b"));
  CHECK(v.get_array("a").size() == 1);
  CHECK(v.get_array("gone").empty());
  CHECK(v.find("n") == nullptr);
  CHECK(Value(1).find("x") == nullptr);
  CHECK_THROWS_AS(v.get_string("i"), Failure);
  CHECK_THROWS_AS(v.get_int("s"), Failure);
  CHECK_THROWS_AS(v.get_bool("s"), Failure);
  CHECK_THROWS_AS(v.get_array("s"), Failure);
}

TEST_CASE("a value is built up from null") {
  Value v;
  v.set("list", Value().push(1).push("two")).set("o", Value::object({{"k", nullptr}}));
  CHECK(to_json(v) == R"({"list":[1,"two"],"o":{"k":null}})");
  v.set("list", 5);
  CHECK(v.get_int("list") == 5);
  CHECK_THROWS_AS(Value(1).push(2), Failure);
  CHECK_THROWS_AS(Value::array().set("k", 2), Failure);
}

TEST_CASE("a pointer leads to its node or nowhere") {
  // The document and the results of RFC 6901, section 5.
  const Value v = parse_json(
      R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})");
  CHECK(v.at_pointer("") == &v);
  CHECK(v.at_pointer("/foo")->is_array());
  CHECK(v.at_pointer("/foo/0")->as_string() == "bar");
  struct Member {
    const char* pointer;
    int value;
  };
  const Member members[] = {{"/", 0},     {"/a~1b", 1}, {"/c%d", 2}, {"/e^f", 3}, {"/g|h", 4},
                            {"/i\\j", 5}, {"/k\"l", 6}, {"/ ", 7},   {"/m~0n", 8}};
  for (const Member& member : members) {
    CAPTURE(member.pointer);
    REQUIRE(v.at_pointer(member.pointer));
    CHECK(v.at_pointer(member.pointer)->as_int() == member.value);
  }
  for (const char* nowhere :
       {"/foo/2", "/foo/-1", "/foo/-", "/foo/0/x", "/gone", "foo", "/foo/", "/foo/1x"}) {
    CAPTURE(nowhere);
    CHECK(v.at_pointer(nowhere) == nullptr);
  }
  CHECK(pointer_token("a/b~c") == "/a~1b~0c");
  CHECK(v.at_pointer(pointer_token("m~n"))->as_int() == 8);
}

}  // namespace gitopsd
