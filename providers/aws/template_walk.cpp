#include "providers/aws/template_walk.h"

#include <algorithm>

namespace gitopsd::aws {
namespace {

constexpr std::size_t kDeepestNesting = 8;

}  // namespace

Failure refused_artifact(const std::string& at, const LocalArtifact& artifact, const std::string& why,
                         const std::string& hint) {
  return fail(ProblemCause::input,
              "'" + at + "', " + artifact.what + ": '" + artifact.node->text + "' " + why, hint);
}

SentFiles TemplateWalk::find(const std::string& path) const {
  const std::string need = need_of(path);
  SentFiles out;
  for (const auto& each : blobs_) {
    if (each.path == need) out.file = &each.blob;
    if (each.path.starts_with(need + "/")) out.folder.emplace(each.path.substr(need.size() + 1), &each.blob);
  }
  return out;
}

std::string TemplateWalk::need_of(const std::string& path) const {
  std::string mark;
  for (std::size_t depth = 0; depth <= way_.size(); ++depth) mark += "./";
  return path.starts_with('/') ? "/" + mark + path.substr(1) : mark + path;
}

void TemplateWalk::check(const std::string& path, const LocalArtifact* by, const std::string& from) const {
  if (std::find(way_.begin(), way_.end(), path) != way_.end())
    throw refused_artifact(from, *by, "nests itself", "a template cannot be in one that is in it");
  if (way_.size() >= kDeepestNesting)
    throw refused_artifact(from, *by, "is nested deeper than " + std::to_string(kDeepestNesting),
                           "make it a stack of its own");
}

}  // namespace gitopsd::aws
