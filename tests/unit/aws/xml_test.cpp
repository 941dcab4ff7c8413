#include "providers/aws/xml.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "base/problem.h"

using namespace gitopsd;
using namespace gitopsd::aws;

TEST_CASE("lists, mappings, texts and what is empty") {
  const Value answer = read_answer(
      "<?xml version=\"1.0\"?><AResponse xmlns=\"http://x/\"><AResult><L><member><K>a</K><V> </V></member>"
      "<member><K>b</K><V/></member></L><E></E><T>x &lt; &#228;</T></AResult><ResponseMetadata/></AResponse>",
      "A");
  CHECK(to_json(answer) == R"({"E":null,"L":[{"K":"a","V":" "},{"K":"b","V":null}],"T":"x < ä"})");
}

TEST_CASE("an action that answers nothing") {
  CHECK(read_answer("<AResponse><ResponseMetadata/></AResponse>", "A").is_null());
}

TEST_CASE("a page of somebody else is no answer") {
  CHECK_THROWS_AS(read_answer("<html><body>Please log in</body></html>", "A"), Failure);
  CHECK_THROWS_AS(read_answer("not XML", "A"), Failure);
  CHECK_THROWS_AS(read_answer("", "A"), Failure);
  CHECK_THROWS_AS(read_answer("<BResponse/>", "A"), Failure);
  std::string deep = "<AResponse><AResult>";
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  for (int i = 0; i < 1000; ++i) deep += "</a>";
  CHECK_THROWS_AS(read_answer(deep + "</AResult></AResponse>", "A"), Failure);
}

TEST_CASE("errors of the query protocol and of S3") {
  const auto query = read_error(
      "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate "
      "exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>");
  CHECK(query.code == "Throttling");
  CHECK(query.message == "Rate exceeded");
  CHECK(read_error("<Error><Code>NoSuchKey</Code></Error>").code == "NoSuchKey");
  CHECK(read_error("<html/>").code.empty());
  CHECK(read_error("Bad gateway").code.empty());
}
