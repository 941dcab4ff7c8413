// A CloudFormation stack as a document declares it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "providers/aws/cloudformation.h"
#include "providers/aws/stack_options.h"
#include "providers/protocol/messages.h"

namespace gitopsd::aws {

inline constexpr std::string_view kApiVersion = "aws.gitopsd.io/v1";
inline constexpr std::string_view kStackKind = "Stack";
/// The deployment file of CloudFormation's Git sync, which has neither apiVersion nor kind: the daemon gives
/// it these. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/git-sync-concepts-terms.html
inline constexpr std::string_view kDeploymentFileKind = "DeploymentFile";

/// Tags of a stack that say whose it is. CloudFormation puts a stack's tags on its resources, too: these
/// never change while it has one owner.
inline constexpr std::string_view kInstallationTag = "gitopsd.io/installation";
inline constexpr std::string_view kApplicationTag = "gitopsd.io/application";

/// Where a stack is. Others refer to it by a text: NAME, or REGION/NAME where that is not the destination's
/// region.
struct StackPlace {
  std::string region;  ///< empty: the destination's
  std::string name;
  std::string text() const { return region.empty() ? name : region + "/" + name; }
  static StackPlace parse(const std::string& text);
};

/// A parameter's value that another stack tells.
struct OutputOf {
  std::string stack, output;  ///< the stack by its place's text
};

struct Stack {
  std::string document;                       ///< its digest
  std::string name;                           ///< its place's text
  std::string template_path;                  ///< as `needs` names it
  std::optional<protocol::Blob> template_;    ///< once the daemon has sent it
  std::vector<protocol::DocumentBlob> blobs;  ///< that, and what it names
  Texts parameters, tags;
  std::map<std::string, OutputOf> from_outputs;  ///< parameters, by name
  std::vector<std::string> requires_;            ///< stacks that come first, also those of `from_outputs`
  std::vector<std::string> capabilities;
  std::string role;
  StackOptions more;
  protocol::Options options;
};

/// What a declaration is read with.
struct Reading {
  const Value& defaults;
  std::string only;  ///< the one stack that the application may have, or empty: a deployment file names none
  std::string region;  ///< the destination's
  // Of a deployment file, which says neither.
  std::vector<std::string> capabilities{};
  std::string role{};
};

/// Of CreateChangeSet: `[a-zA-Z][-a-zA-Z0-9]*`, at most 128 characters.
bool is_stack_name(std::string_view);
/// CAPABILITY_IAM and the like.
bool is_capability(std::string_view);

/// As far as it can be read; with problems, or without a name where it is no stack.
Stack read_declared_stack(const protocol::Document&, const Reading&,
                          std::vector<protocol::WireProblem>& problems);
/// nullopt, and problems, for what is none.
std::optional<Stack> read_stack(const protocol::Document&, const Reading&,
                                std::vector<protocol::WireProblem>& problems);
Value stack_schema();
/// Of a document of that kind with this `spec`.
Value declared_schema(std::string_view kind, Value spec);

/// `stack/NAME` or `stack/REGION/NAME`: the text of its place.
ResourceId id_of(const std::string& stack);
std::string name_of(const ResourceId&);

std::optional<protocol::Owner> owner_of(const Texts& tags);
/// The declared ones and the owner's.
Texts tags_for(const Stack&, const protocol::Owner&);

}  // namespace gitopsd::aws
