#include "providers/aws/request.h"

#include <doctest/doctest.h>

using namespace gitopsd::aws;

TEST_CASE("what AWS reserves is escaped in upper case") {
  CHECK(percent_encode("a b/c~d.e_f-g") == "a%20b%2Fc~d.e_f-g");
  CHECK(percent_encode("a b/c", "/") == "a%20b/c");
  CHECK(percent_encode("\xc3\xbc*+=") == "%C3%BC%2A%2B%3D");
}

TEST_CASE("a query is sorted by what is sent") {
  CHECK(canonical_query({{"b", "2"}, {"a", "x y"}, {"a", "1"}, {"A", ""}}) == "A=&a=1&a=x%20y&b=2");
}

TEST_CASE("in a form a blank is a plus, and a plus is escaped") {
  CHECK(form_body({{"Action", "CreateStack"}, {"T", "a b+c\n"}}) == "Action=CreateStack&T=a+b%2Bc%0A");
}
