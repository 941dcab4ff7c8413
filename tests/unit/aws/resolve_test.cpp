#include <doctest/doctest.h>

#include <algorithm>

#include "base/json.h"
#include "providers/aws/verbs.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

class NoBlobs : public protocol::BlobReader {
 public:
  void copy(const protocol::Blob&, const Sink&) override {
    throw fail(ProblemCause::internal, "nothing was sent");
  }
};

protocol::ResolveResult resolved(const char* policy, const std::vector<std::string>& documents) {
  protocol::ResolveRequest request;
  request.policy = parse_json(policy);
  for (std::size_t i = 0; i < documents.size(); ++i)
    request.documents.push_back({"d" + std::to_string(i), parse_json(documents[i]), {}});
  Settings settings;
  settings.region = "eu-central-1";
  NoBlobs blobs;
  return resolve(settings, request, blobs);
}

std::string declared(const std::string& kind, const std::string& name, const std::string& spec) {
  return R"({"apiVersion": "aws.gitopsd.io/v1", "kind": ")" + kind + R"(", "metadata": {"name": ")" + name +
         R"("}, "spec": )" + spec + "}";
}

std::vector<std::string> pointers(const protocol::ResolveResult& result) {
  std::vector<std::string> out;
  for (const auto& problem : result.problems) out.push_back(problem.pointer);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("what cannot be read of a stack hides nothing else that is wrong with it") {
  const auto result = resolved(
      R"({"stacks": ["web"]})",
      {declared(
           "Stack", "web",
           R"({"template": "t", "parameters": 3, "capabilities": ["CAPABILITY_IAM"], "requires": ["db"]})"),
       declared("Stack", "db", R"({"template": "t", "tags": [], "requires": ["web"]})")});
  CHECK(pointers(result) == std::vector<std::string>{"/metadata/name", "/spec", "/spec", "/spec/capabilities",
                                                     "/spec/parameters", "/spec/tags"});
  for (const auto& problem : result.problems)
    CHECK(problem.id == (problem.document == "d0" ? "stack/web" : "stack/db"));
  CHECK(result.resources.empty());
  CHECK(result.needs.empty());
}

TEST_CASE("of a stack with a slip the template is asked for all the same") {
  const auto result = resolved(R"({"stacks": ["web"]})",
                               {declared("Stack", "web", R"({"template": "t", "onFailure": "stay"})")});
  CHECK(pointers(result) == std::vector<std::string>{"/spec/onFailure"});
  REQUIRE(result.needs.size() == 1);
  CHECK(result.needs[0].path == "t");
}

TEST_CASE("what cannot be read of a content hides no breach of the policy") {
  const auto result =
      resolved(R"({"buckets": ["site"]})",
               {declared("BucketContent", "a", R"({"bucket": "other", "folder": "f", "delete": "some"})")});
  CHECK(pointers(result) == std::vector<std::string>{"/spec/bucket", "/spec/delete"});
  CHECK(result.resources.empty());
}

TEST_CASE("what has no name that a stack can have is asked about no further") {
  const auto result = resolved("{}", {declared("Stack", "1web", R"({"template": "t"})"),
                                      declared("Stak", "web", R"({"template": "t"})")});
  CHECK(pointers(result) == std::vector<std::string>{"/kind", "/metadata/name"});
}
