#include "providers/aws/package.h"

#include <doctest/doctest.h>

#include "base/hash.h"
#include "providers/aws/artifacts.h"
#include "providers/aws/state.h"
#include "providers/aws/zip_archive.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

/// The template with each local artifact replaced by the path that it was found to mean.
std::string marked(const std::string& text, const std::string& at = "templates/app.yaml") {
  const auto root = parse_template(text);
  REQUIRE(root);
  std::vector<Replacement> all;
  for (const auto& artifact : local_artifacts(*root, at))
    all.push_back({artifact.node, "<" + artifact.path + ">"});
  return with_replacements(text, all);
}

std::string resource(const std::string& type, const std::string& properties) {
  return "Resources:\n  It:\n    Type: " + type + "\n    Properties:\n" + properties;
}

}  // namespace

TEST_CASE("what was uploaded is remembered for an hour, since somebody may delete it") {
  class Passing : public Clock {
   public:
    WallMicros wall() const override { return 0; }
    Monotonic::time_point monotonic() const override { return now; }
    Monotonic::time_point now{std::chrono::hours(100)};
  };
  Passing clock;
  Uploaded uploaded(clock);
  uploaded.add("a");
  clock.now += std::chrono::minutes(59);
  CHECK(uploaded.contains("a"));
  uploaded.add("b");
  clock.now += std::chrono::minutes(1);
  CHECK_FALSE(uploaded.contains("a"));
  CHECK(uploaded.contains("b"));
}

TEST_CASE("nothing but the path is another byte") {
  const std::string before =
      "# A comment\r\nResources:\r\n  B:   # which stays\r\n    Type: AWS::Lambda::Function\r\n    "
      "Properties:\r\n"
      "      Role: !GetAtt Role.Arn\r\n      Code: ";
  const std::string after =
      "   # and this\r\n      Environment: {Variables: {X: !Sub \"${AWS::Region}-\xc3\xbc\"}}\r\n"
      "  A:\r\n    Type: AWS::SQS::Queue\r\nOutputs: {Z: {Value: !Join [\"\", [a, !Ref A]]}, Y: {Value: "
      "1}}\r\n";
  CHECK(marked(before + "../src" + after) == before + "<src>" + after);
  CHECK(marked("\xef\xbb\xbf" + before + "'../it''s'" + after) == "\xef\xbb\xbf" + before + "<it's>" + after);
  CHECK(marked(before + "\"../a b\"" + after) == before + "<a b>" + after);
  CHECK(marked(before + "&code ../src" + after) == before + "&code <src>" + after);
}

TEST_CASE("several in one template, and in one line") {
  CHECK(marked("Resources: {A: {Type: 'AWS::Lambda::Function', Properties: {Code: a}}, "
               "B: {Type: AWS::Lambda::LayerVersion, Properties: {Content: /b}}}") ==
        "Resources: {A: {Type: 'AWS::Lambda::Function', Properties: {Code: <templates/a>}}, "
        "B: {Type: AWS::Lambda::LayerVersion, Properties: {Content: </b>}}}");
  CHECK(marked(R"({"Resources": {"A": {"Properties": {"Code": "./a"}, "Type": "AWS::Lambda::Function"}}})") ==
        R"({"Resources": {"A": {"Properties": {"Code": <templates/a>}, "Type": "AWS::Lambda::Function"}}})");
}

TEST_CASE("what `aws cloudformation package` takes") {
  struct Case {
    const char *type, *properties, *wanted;
  };
  const Case cases[] = {
      {"AWS::Serverless::Function", "      CodeUri: src\n", "      CodeUri: <templates/src>\n"},
      {"AWS::Serverless::Api", "      DefinitionUri: api.yaml\n",
       "      DefinitionUri: <templates/api.yaml>\n"},
      {"AWS::Serverless::Application", "      Location: other.yaml\n",
       "      Location: <templates/other.yaml>\n"},
      {"AWS::CloudFormation::Stack", "      TemplateURL: ./net.yaml\n",
       "      TemplateURL: <templates/net.yaml>\n"},
      {"AWS::ApiGateway::RestApi", "      BodyS3Location: x\n", "      BodyS3Location: <templates/x>\n"},
      {"AWS::AppSync::GraphQLSchema", "      DefinitionS3Location: x\n",
       "      DefinitionS3Location: <templates/x>\n"},
      {"AWS::Glue::Job", "      Command: {ScriptLocation: x.py}\n",
       "      Command: {ScriptLocation: <templates/x.py>}\n"},
      {"AWS::CodeCommit::Repository", "      Code: {S3: x}\n", "      Code: {S3: <templates/x>}\n"},
      {"AWS::StepFunctions::StateMachine", "      DefinitionS3Location: x\n",
       "      DefinitionS3Location: <templates/x>\n"},
      // What is no path stays.
      {"AWS::Lambda::Function", "      Code: {ZipFile: x}\n", "      Code: {ZipFile: x}\n"},
      {"AWS::Lambda::Function", "      Code: !Ref Code\n", "      Code: !Ref Code\n"},
      {"AWS::Serverless::Function", "      CodeUri: s3://b/k\n", "      CodeUri: s3://b/k\n"},
      {"AWS::CloudFormation::Stack", "      TemplateURL: https://b.s3.amazonaws.com/k\n",
       "      TemplateURL: https://b.s3.amazonaws.com/k\n"},
      {"AWS::CloudFormation::Stack", "      TemplateURL: !Sub https://${B}/k\n",
       "      TemplateURL: !Sub https://${B}/k\n"},
      {"AWS::SQS::Queue", "      Code: x\n", "      Code: x\n"},
      {"AWS::Lambda::Function", "      Code:\n", "      Code:\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.type);
    CHECK(marked(resource(each.type, each.properties)) == resource(each.type, each.wanted));
  }
}

TEST_CASE("what AWS::Include includes, wherever it stands") {
  CHECK(marked(
            "Transform: {Name: AWS::Include, Parameters: {Location: a.yaml}}\nResources:\n  X:\n    Type: T\n"
            "    Properties:\n      Y:\n        Fn::Transform: {Name: AWS::Include, Parameters: {Location: "
            "/b.yaml}}\n"
            "      Z: !Transform {Name: AWS::Include, Parameters: {Location: c.yaml}}\n"
            "      W: {Fn::Transform: {Name: Mine, Parameters: {Location: d.yaml}}}\n") ==
        "Transform: {Name: AWS::Include, Parameters: {Location: <templates/a.yaml>}}\nResources:\n  X:\n    "
        "Type: T\n"
        "    Properties:\n      Y:\n        Fn::Transform: {Name: AWS::Include, Parameters: {Location: "
        "</b.yaml>}}\n"
        "      Z: !Transform {Name: AWS::Include, Parameters: {Location: <templates/c.yaml>}}\n"
        "      W: {Fn::Transform: {Name: Mine, Parameters: {Location: d.yaml}}}\n");
}

TEST_CASE("a path that is not on one line is refused with its line") {
  try {
    marked(resource("AWS::Lambda::Function", "      Code: |\n        src\n"));
    FAIL("it was taken");
  } catch (const Failure& failure) {
    CHECK(failure.cause() == ProblemCause::input);
    CHECK(failure.problems()[0].message.find("line 5: ") == 0);
  }
}

TEST_CASE("paths are meant from the template's folder, or from the root") {
  CHECK(path_beside("a/b.yaml", "c") == "a/c");
  CHECK(path_beside("a/b.yaml", "./c/") == "a/c");
  CHECK(path_beside("a/b.yaml", "../c") == "c");
  CHECK(path_beside("a/b.yaml", "../../c") == "../c");
  CHECK(path_beside("/a/b.yaml", "c") == "/a/c");
  CHECK(path_beside("a/b.yaml", "/c") == "/c");
  CHECK(path_beside("b.yaml", "c") == "c");
  CHECK(path_beside("b.yaml", ".") == ".");
}

TEST_CASE("a template has at most a million bytes, which is less than a mebibyte") {
  struct Blank : protocol::BlobReader {
    void copy(const protocol::Blob& blob, const Sink& sink) override { sink(std::string(blob.size, ' ')); }
  } blank;
  const auto told = [&](std::size_t size) {
    Stack stack;
    stack.template_ = protocol::Blob{"d", size};
    std::vector<protocol::WireProblem> problems;
    missing_artifacts(stack, {"bucket", ""}, blank, problems);
    return problems.empty() ? "" : problems[0].message;
  };
  CHECK(told(1'000'000).empty());
  CHECK(told(1'000'001).ends_with("has 1000001 bytes, and CloudFormation takes 1000000"));
}

TEST_CASE("what is no template is left alone") {
  CHECK_FALSE(parse_template("Resources: [unclosed"));
  CHECK_FALSE(parse_template("\x01"));
  CHECK_FALSE(parse_template(std::string(200, '[')));
  CHECK(local_artifacts(*parse_template("just a text"), "t").empty());
  CHECK(local_artifacts(*parse_template("Resources: [1, 2]"), "t").empty());
}

TEST_CASE("a zip is the same bytes for the same files") {
  const std::map<std::string, std::string> files{
      {"b/\xc3\xbc", "two"}, {"a", std::string(100'000, 'x')}, {"empty", ""}};
  const std::string first = make_zip(files);
  CHECK(first.starts_with("PK\x03\x04"));
  CHECK(first.size() < 2000);
  CHECK(make_zip(files) == first);
  // Of this libzip and zlib; what uploads are named by is the files' digests, which no library changes.
  CHECK(digest_of_zip({{"a", "1"}, {"b", "2"}}) == digest_of_zip({{"b", "2"}, {"a", "1"}}));
  CHECK(digest_of_zip({{"a", "1"}}) != digest_of_zip({{"a1", ""}}));
}
