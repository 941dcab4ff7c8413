#include "providers/aws/changes.h"

#include <doctest/doctest.h>

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

const protocol::Owner kWeb{"here", "web"};

/// What is wrong where the stack `web` takes `output` of the stack `net`, which is so.
Problem problem_of(const std::string& output, const std::optional<StackFacts>& net) {
  Stack web;
  web.name = "web";
  web.from_outputs["Network"] = {"net", output};
  try {
    parameters_of(web, kWeb, [&](const std::string&) { return net; });
  } catch (const Failure& failure) {
    return failure.problems().front();
  }
  FAIL("it has " << output);
  return {};
}

StackFacts net_in(const std::string& status, const Texts& tags = {}) {
  StackFacts net;
  net.status = status;
  net.tags = tags;
  net.outputs = {{"SubnetId", "subnet-1"}, {"VpcId", "vpc-1"}};
  return net;
}

}  // namespace

TEST_CASE("an output that a stack does not have is waited for only where it may come by itself") {
  const auto wrong = problem_of("VpcIdd", net_in("UPDATE_ROLLBACK_COMPLETE"));
  CHECK(wrong.cause == ProblemCause::input);
  CHECK(wrong.message ==
        "parameter 'Network' of the stack 'web' is an output 'VpcIdd' of the stack 'net', "
        "which has none of that name");
  CHECK(wrong.hint == "did you mean 'VpcId'? it has SubnetId, VpcId");
  CHECK(problem_of("Zone", net_in("CREATE_COMPLETE")).hint == "it has SubnetId, VpcId");
  CHECK(problem_of("Zone", std::nullopt).cause == ProblemCause::transient);
  for (const std::string status : {"UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"}) {
    CAPTURE(status);
    CHECK(problem_of("Zone", net_in(status)).cause == ProblemCause::transient);
  }
  // Its own commit may add it a moment later.
  const Texts theirs{{"gitopsd.io/installation", "here"}, {"gitopsd.io/application", "net"}};
  CHECK(problem_of("Zone", net_in("CREATE_COMPLETE", theirs)).cause == ProblemCause::destination);
}
