#include "providers/kubernetes/in_place_of.h"

#include <doctest/doctest.h>

#include "base/json.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

std::string would_be(const char* probe, const char* live, const char* declared) {
  return to_json(
      in_place_of(parse_json(probe, "probe"), parse_json(live, "live"), parse_json(declared, "declared")));
}

}  // namespace

TEST_CASE("an object made anew has what is declared, and defaults as before") {
  CHECK(would_be(R"({"metadata":{"name":"a-probe"},"spec":{"image":"web:2","policy":"Always"}})",
                 R"({"metadata":{"name":"a"},"spec":{"image":"web:1","policy":"Always"}})",
                 R"({"metadata":{"name":"a"},"spec":{"image":"web:2"}})") ==
        R"({"metadata":{"name":"a"},"spec":{"image":"web:2","policy":"Always"}})");
}

TEST_CASE("what is generated with each object says nothing of what changes") {
  CHECK(would_be(
            R"({"metadata":{"name":"a-probe","labels":{"job":"a-probe","x":"2"}},"spec":{"ip":"10.0.0.2"}})",
            R"({"metadata":{"name":"a","labels":{"job":"a","x":"1"}},"spec":{"ip":"10.0.0.1"}})",
            R"({"metadata":{"name":"a","labels":{"x":"2"}},"spec":{}})") ==
        R"({"metadata":{"labels":{"job":"a","x":"2"},"name":"a"},"spec":{"ip":"10.0.0.1"}})");
}

TEST_CASE("what others set goes with the old object") {
  CHECK(would_be(R"({"metadata":{"name":"a-probe"},"spec":{"list":[{"n":1,"port":3}]}})",
                 R"({"metadata":{"name":"a","labels":{"x":"1"}},"spec":{"list":[{"n":1,"port":2},{"n":2}]}})",
                 R"({"metadata":{"name":"a"},"spec":{"list":[{"n":1}]}})") ==
        R"({"metadata":{"name":"a"},"spec":{"list":[{"n":1,"port":2}]}})");
}
