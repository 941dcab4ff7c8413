#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/json.h"
#include "base/utf8.h"

namespace gitopsd {
namespace {

std::string refusal(std::string_view text) {
  try {
    return "accepted: " + to_json(parse_json(text, "f.json"));
  } catch (const Failure& failure) {
    CHECK(failure.cause() == ProblemCause::input);
    return failure.what();
  }
}

std::string round_trip(std::string_view text) {
  return to_json(parse_json(text));
}

}  // namespace

TEST_CASE("JSON is written in one canonical form") {
  CHECK(round_trip(R"( {"b":[1,2.5,null, true ,false],"a":"é","":{}} )") ==
        R"({"":{},"a":"é","b":[1,2.5,null,true,false]})");
  CHECK(round_trip(R"("\u00e9\ud83d\ude00\n\t\"\\\/\u0001")") == R"("é😀\n\t\"\\/\u0001")");
  CHECK(round_trip("[1.0,1e2,-0.0,1E-7,0.1,1e300,123456789012345680000.0]") ==
        "[1.0,100.0,-0.0,1e-07,0.1,1e+300,123456789012345683968.0]");
  CHECK(round_trip("[0,-0,9223372036854775807,-9223372036854775808,18446744073709551615]") ==
        "[0,0,9223372036854775807,-9223372036854775808,18446744073709551615]");
  CHECK(round_trip("[922337203685477580e-7,5e-324,1e-400,-1e-400,1.7976931348623157e308]") ==
        "[92233720368.54776,5e-324,0.0,-0.0,1.7976931348623157e+308]");
  CHECK(to_pretty_json(parse_json(R"({"a":[1]})")) == "{\n  \"a\": [\n    1\n  ]\n}");
}

TEST_CASE("a double reads back as the same double") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = random();
    double d = 0;
    static_assert(sizeof d == sizeof bits);
    std::memcpy(&d, &bits, sizeof d);
    if (!std::isfinite(d)) continue;
    const Value back = parse_json(to_json(Value(d)));
    REQUIRE(back.is_double());
    REQUIRE(back.as_double() == d);
  }
  CHECK_THROWS_AS(to_json(Value(std::numeric_limits<double>::infinity())), Failure);
  CHECK_THROWS_AS(to_json(Value(std::nan(""))), Failure);
}

TEST_CASE("JSON that is not strictly JSON is refused, with its place") {
  CHECK(refusal("{\"a\":1,\n  \"a\":2}") ==
        "f.json:2:3: invalid JSON: the key \"a\" stands twice in this object");
  CHECK(refusal("[1, 18446744073709551616]") ==
        "f.json:1:5: invalid JSON: an integer that does not fit 64 bits");
  CHECK(refusal("[-9223372036854775809]") ==
        "f.json:1:2: invalid JSON: an integer that does not fit 64 bits");
  CHECK(refusal("{\n  \"a\": x}").starts_with("f.json:2:8: invalid JSON: "));
  CHECK(refusal(std::string_view("{}\0{}", 5)) == "f.json:1:3: invalid JSON: a zero byte");
  CHECK(refusal(std::string(129, '[')) == "f.json:1:129: invalid JSON: nested deeper than 128");
  for (const char* bad : {"",
                          " ",
                          "1 2",
                          "[1,]",
                          "{,}",
                          "{\"a\":1,}",
                          "[01]",
                          "[+1]",
                          "[.5]",
                          "[1.]",
                          "[NaN]",
                          "[Infinity]",
                          "'a'",
                          "\"a",
                          "\"\xff\"",
                          "\"\xed\xa0\x80\"",
                          "\"\xc0\x80\"",
                          "\"\\ud800\"",
                          "\"\\udc18\"",
                          "{\"\\udc18\":1}",
                          "\"\\x\"",
                          "\"a\nb\"",
                          "[1e400]",
                          "[1.9737931648623157e308]",
                          "// c\n1",
                          "{a:1}",
                          "tru",
                          "[",
                          "]",
                          "\xef\xbb\xbf{}",
                          "{\"a\" 1}",
                          "\"\xf4\x90\x80\x80\""}) {
    CAPTURE(bad);
    CHECK(refusal(bad).starts_with("f.json:1:"));
  }
  CHECK_NOTHROW(parse_json(std::string(128, '[') + std::string(128, ']')));
}

TEST_CASE("every JSON node knows where it starts") {
  const Value v = parse_json("\n{ \"a\" : [ 1 ,\n\t\"x\\n\", {\"b\":null}],\n \"c\":-1.5e3, \"d\" : true}");
  CHECK(v.position == Position{2, 1});
  CHECK(v.at_pointer("/a")->position == Position{2, 9});
  CHECK(v.at_pointer("/a/0")->position == Position{2, 11});
  CHECK(v.at_pointer("/a/1")->position == Position{3, 2});
  CHECK(v.at_pointer("/a/2")->position == Position{3, 9});
  CHECK(v.at_pointer("/a/2/b")->position == Position{3, 14});
  CHECK(v.at_pointer("/c")->position == Position{4, 6});
  CHECK(v.at_pointer("/d")->position == Position{4, 20});
}

TEST_CASE("what is no UTF-8 is replaced when it is written") {
  CHECK(to_json(Value("a\xff"
                      "b")) ==
        "\"a\xef\xbf\xbd"
        "b\"");
  CHECK(to_json(Value::object({{"\xc3", 1}})) == "{\"\xef\xbf\xbd\":1}");
  CHECK_NOTHROW(parse_json(to_json(Value("caf\xe9 \xed\xa0\x80"))));
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (const char* good :
       {"", "plain ascii, longer than eight", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(good));
    CHECK(replace_invalid_utf8(good) == good);
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xef\xbf",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "12345678\xc3 ", "\xe2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
    CHECK(is_utf8(replace_invalid_utf8(bad)));
  }
  CHECK(utf8_size("a\xc3\xa9", 1) == 2);
  CHECK(replace_invalid_utf8("\xe2\x82\xe2\x82\xac") == "\xef\xbf\xbd\xef\xbf\xbd\xe2\x82\xac");
}

TEST_CASE("what Go prints of a large floating-point number is read as a number") {
  CHECK(parse_go_json("18446744073709552000").as_double() == 18446744073709552000.0);
  CHECK(parse_go_json("-1e21").as_double() == -1e21);
  CHECK(parse_go_json("9223372036854775807").as_int() == 9223372036854775807);
  CHECK_THROWS_AS(parse_json("18446744073709552000"), Failure);
}

}  // namespace gitopsd
