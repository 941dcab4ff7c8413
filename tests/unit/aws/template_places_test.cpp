#include "providers/aws/template_places.h"

#include <doctest/doctest.h>

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

/// What was sent, by digest.
class SentBlobs : public protocol::BlobReader {
 public:
  void copy(const protocol::Blob& blob, const Sink& sink) override { sink(texts.at(blob.digest)); }
  protocol::DocumentBlob add(const std::string& path, const std::string& text) {
    texts[path] = text;
    return {path, {path, text.size()}};
  }
  std::map<std::string, std::string> texts;
};

constexpr const char* kApp = R"(# An application
Parameters:
  Size:
    Type: Number
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: jobs
      Tags:
        - Key: a
          Value: !Ref Missing
  Store:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: store.json
Outputs:
  Where: {Value: !GetAtt Gone.Arn}
)";
constexpr const char* kStore =
    "{\n \"Resources\": {\n  \"Table\": {\n   \"Type\": \"AWS::DynamoDB::Table\"}}}";

/// Of an application whose template is `text`, with what it nests.
TemplatePlaces places_of(const std::string& text) {
  SentBlobs blobs;
  Stack stack;
  stack.template_path = "templates/app.yaml";
  const auto sent = blobs.add("templates/app.yaml", text);
  stack.template_ = sent.blob;
  stack.blobs = {sent, blobs.add("././templates/store.json", kStore)};
  return {stack, blobs};
}

}  // namespace

TEST_CASE("a resource is where its logical id is written, in nested templates, too") {
  const auto places = places_of(kApp);
  CHECK(places.resources() == Texts{{"Queue", "templates/app.yaml:6"},
                                    {"Store", "templates/app.yaml:13"},
                                    {"Store/Table", "templates/store.json:3"}});
}

TEST_CASE("a pointer leads as far as the template does") {
  const auto places = places_of(kApp);
  CHECK(places.at("", "/Resources/Queue/Properties/QueueName") == "templates/app.yaml:9");
  CHECK(places.at("", "/Resources/Queue/Properties/Tags/0/Value") == "templates/app.yaml:12");
  CHECK(places.at("", "/Resources/Queue/Properties/Tags/7/Value") == "templates/app.yaml:10");
  CHECK(places.at("", "/Resources/Queue/Properties/FifoQueue") == "templates/app.yaml:8");
  CHECK(places.at("Store", "/Resources/Table/Type") == "templates/store.json:4");
  CHECK(places.at("Nobody", "/Resources/Table").empty());
  CHECK(places.at("", "").empty());
}

TEST_CASE("a message means the line that it tells, or that of what it names") {
  const auto places = places_of(kApp);
  const struct {
    const char *message, *place;
  } cases[] = {
      {"Template format error: YAML not well-formed. (line 4, column 7)", "templates/app.yaml:4:7"},
      {"Parameters: [Size] must have values", "templates/app.yaml:3"},
      {"Template format error: Unresolved resource dependencies [Missing] in the Resources block of the "
       "template",
       "templates/app.yaml:12"},
      {"Template error: instance of Fn::GetAtt references undefined resource Gone", "templates/app.yaml:18"},
      {"Template format error: [/Resources/Queue/Properties] must be an object", "templates/app.yaml:8"},
      {"Template format error: Unrecognized resource types: [AWS::Foo::Bar, AWS::SQS::Queue]",
       "templates/app.yaml:7"},
      {"Template error: every Sub needs a text", "templates/app.yaml"},
      {"", "templates/app.yaml"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.message);
    CHECK(places.meant(one.message) == one.place);
  }
  CHECK(places.meant(std::string(1 << 20, '[')) == "templates/app.yaml");
}

TEST_CASE("a template that is none has the line that CloudFormation tells") {
  const auto places = places_of("Resources: [");
  CHECK(places.meant("YAML not well-formed. (line 1, column 12)") == "templates/app.yaml:1:12");
  CHECK(places.meant("Parameters: [Size] must have values") == "templates/app.yaml");
  CHECK(places.resources().empty());
}

TEST_CASE("places of as many stacks as may be under way are remembered") {
  ResourcePlaces all;
  for (int i = 0; i < 1500; ++i) all.remember("stack " + std::to_string(i), {{"Queue", std::to_string(i)}});
  CHECK(all.find("stack 999", "Queue") == "999");
  CHECK(all.find("stack 999", "Other").empty());
  all.forget("stack 999");
  CHECK(all.find("stack 999", "Queue").empty());
  int left = 0;
  for (int i = 0; i < 1500; ++i) left += !all.find("stack " + std::to_string(i), "Queue").empty();
  CHECK(left == 999);
}
