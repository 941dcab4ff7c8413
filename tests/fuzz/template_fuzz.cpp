// Any bytes as a CloudFormation template: what it names of its repository is found, and replaced where it
// stands.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "base/problem.h"
#include "providers/aws/artifacts.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

std::vector<std::string> paths_of(const std::vector<LocalArtifact>& artifacts) {
  std::vector<std::string> out;
  for (const auto& artifact : artifacts) out.push_back(artifact.path);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto root = parse_template(text);
  if (!root) return 0;
  const auto found = local_artifacts(*root, "templates/app.yaml");
  std::vector<Replacement> all;
  for (const auto& artifact : found) all.push_back({artifact.node, to_json(artifact.node->text)});
  std::string replaced;
  try {
    replaced = with_replacements(text, all);
  } catch (const Failure& failure) {
    if (failure.cause() != ProblemCause::input) std::abort();
    return 0;
  }
  if (all.empty() && replaced != text) std::abort();
  // Each was replaced by its own text in quotes: the same is found again, unless the bytes are no YAML any
  // more.
  const auto again = parse_template(replaced);
  if (!again || paths_of(local_artifacts(*again, "templates/app.yaml")) != paths_of(found)) std::abort();
  return 0;
}
