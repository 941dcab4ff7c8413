#include "providers/aws/artifacts.h"

#include <algorithm>
#include <array>

namespace gitopsd::aws {
namespace {

struct Artifact {
  std::string_view type, property;
  ArtifactForm form;
  bool zip;
};
using enum ArtifactForm;
/// As `aws cloudformation package` has them.
/// https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
constexpr std::array<Artifact, 23> kArtifacts{
    {{"AWS::ApiGateway::RestApi", "BodyS3Location", bucket, false},
     {"AWS::AppSync::FunctionConfiguration", "CodeS3Location", s3_url, false},
     {"AWS::AppSync::FunctionConfiguration", "RequestMappingTemplateS3Location", s3_url, false},
     {"AWS::AppSync::FunctionConfiguration", "ResponseMappingTemplateS3Location", s3_url, false},
     {"AWS::AppSync::GraphQLSchema", "DefinitionS3Location", s3_url, false},
     {"AWS::AppSync::Resolver", "CodeS3Location", s3_url, false},
     {"AWS::AppSync::Resolver", "RequestMappingTemplateS3Location", s3_url, false},
     {"AWS::AppSync::Resolver", "ResponseMappingTemplateS3Location", s3_url, false},
     {"AWS::CloudFormation::ModuleVersion", "ModulePackage", s3_url, false},
     {"AWS::CloudFormation::ResourceVersion", "SchemaHandlerPackage", s3_url, false},
     {"AWS::CloudFormation::Stack", "TemplateURL", template_url, false},
     {"AWS::CodeCommit::Repository", "Code.S3", bucket, true},
     {"AWS::ElasticBeanstalk::ApplicationVersion", "SourceBundle", s3_bucket, false},
     {"AWS::Glue::Job", "Command.ScriptLocation", s3_url, false},
     {"AWS::Lambda::Function", "Code", s3_bucket, true},
     {"AWS::Lambda::LayerVersion", "Content", s3_bucket, true},
     {"AWS::Serverless::Api", "DefinitionUri", s3_url, false},
     {"AWS::Serverless::Application", "Location", template_url, false},
     {"AWS::Serverless::Function", "CodeUri", s3_url, true},
     {"AWS::Serverless::HttpApi", "DefinitionUri", s3_url, false},
     {"AWS::Serverless::LayerVersion", "ContentUri", s3_url, true},
     {"AWS::Serverless::StateMachine", "DefinitionUri", bucket, false},
     {"AWS::StepFunctions::StateMachine", "DefinitionS3Location", bucket, false}}};
constexpr std::string_view kRepoMetadata = "AWS::ServerlessRepo::Application";
constexpr std::string_view kInclude = "AWS::Include";

/// A path, and neither a URL nor what CloudFormation fills in itself.
bool is_local(const TemplateNode* node) {
  if (!node || !node->is_text() || node->text.empty()) return false;
  const std::string_view text = node->text;
  return text.find("://") == text.npos && text.find("{{resolve:") == text.npos &&
         text.find("${") == text.npos;
}

std::string text_of(const TemplateNode* node) {
  return node && node->is_text() ? node->text : std::string();
}

class Finder {
 public:
  explicit Finder(const std::string& at) : at_(at) {}

  std::vector<LocalArtifact> run(const TemplateNode& root) {
    if (const auto* resources = root.find("Resources"))
      for (std::size_t i = 0; i < resources->items.size() && i < resources->keys.size(); ++i)
        take_resource(resources->keys[i], resources->items[i]);
    if (const auto* metadata = root.find("Metadata"))
      if (const auto* repo = metadata->find(kRepoMetadata))
        for (const std::string_view property : {"LicenseUrl", "ReadmeUrl"})
          take(repo->find(property), s3_url, false,
               std::string(property) + " of " + std::string(kRepoMetadata), {});
    if (const auto* transform = root.find("Transform")) take_transform(*transform);
    walk(root);
    return std::move(found_);
  }

 private:
  void take(const TemplateNode* node, ArtifactForm form, bool zip, const std::string& of,
            const std::string& resource) {
    if (!is_local(node)) return;
    found_.push_back({node, path_beside(at_, node->text), form, zip,
                      "line " + std::to_string(node->line) + ": " + of, resource});
  }

  void take_resource(const std::string& name, const TemplateNode& resource) {
    const std::string type = text_of(resource.find("Type"));
    const auto* properties = resource.find("Properties");
    if (!properties) return;
    for (const auto& known : kArtifacts) {
      if (known.type != type) continue;
      const TemplateNode* node = properties;
      for (std::string_view rest = known.property; node && !rest.empty();) {
        const auto dot = std::min(rest.find('.'), rest.size());
        node = node->find(rest.substr(0, dot));
        rest.remove_prefix(std::min(dot + 1, rest.size()));
      }
      take(node, known.form, known.zip, std::string(known.property) + " of " + name, name);
    }
  }

  /// `{Name: AWS::Include, Parameters: {Location: ...}}`, or a list of such.
  void take_transform(const TemplateNode& transform) {
    if (transform.kind == TemplateNode::Kind::sequence)
      for (const auto& each : transform.items) take_transform(each);
    if (text_of(transform.find("Name")) != kInclude) return;
    if (const auto* parameters = transform.find("Parameters"))
      take(parameters->find("Location"), s3_url, false, "Location of " + std::string(kInclude), {});
  }

  void walk(const TemplateNode& node) {
    if (node.tag == "!Transform") take_transform(node);
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i < node.keys.size() && node.keys[i] == "Fn::Transform") take_transform(node.items[i]);
      walk(node.items[i]);
    }
  }

  const std::string& at_;
  std::vector<LocalArtifact> found_;
};

}  // namespace

std::string path_beside(const std::string& at, std::string_view path) {
  const auto slash = at.rfind('/');
  const std::string whole = path.starts_with('/') ? std::string(path)
                            : slash == at.npos    ? std::string(path)
                                                  : at.substr(0, slash + 1) + std::string(path);
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin < whole.size();) {
    const auto end = std::min(whole.find('/', begin), whole.size());
    const auto part = std::string_view(whole).substr(begin, end - begin);
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (!part.empty() && part != ".")
      parts.push_back(part);
    begin = end + 1;
  }
  std::string out = whole.starts_with('/') ? "/" : "";
  for (const auto& part : parts) out += (out.empty() || out == "/" ? "" : "/") + std::string(part);
  return out.empty() ? "." : out;
}

std::vector<LocalArtifact> local_artifacts(const TemplateNode& root, const std::string& at) {
  return Finder(at).run(root);
}

}  // namespace gitopsd::aws
