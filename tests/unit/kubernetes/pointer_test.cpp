#include "providers/kubernetes/pointer.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

TEST_CASE("a pointer goes by names, by places and by what an item says") {
  const Value object = object_of("{a/b: {c: [x, {name: n/1, v: 7}, {name: 3}]}, e: null}");
  const auto at = [&](const char* pointer) { return at_chosen(object, pointer); };
  CHECK(at("")->is_object());
  CHECK(at("/a~1b/c/0")->as_string() == "x");
  CHECK(at("/a~1b/c/name=n~11/v")->as_int() == 7);
  CHECK(at("/a~1b/c/name=3") == at("/a~1b/c/2"));
  for (const char* nowhere :
       {"/a~1b/c/name=4", "/a~1b/c/9", "/a~1b/c/-", "/a~1b/c/01", "/a~1b/c/0/x", "/e", "/none", "x"})
    CHECK(at(nowhere) == nullptr);
}
