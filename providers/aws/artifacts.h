// What a template names of its own repository: code, schemas, other templates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "providers/aws/template_tree.h"

namespace gitopsd::aws {

/// How a property takes the place of what was uploaded.
enum class ArtifactForm {
  s3_url,        ///< s3://BUCKET/KEY
  template_url,  ///< https://..., of a template that is packaged itself
  s3_bucket,     ///< {S3Bucket, S3Key}
  bucket         ///< {Bucket, Key}
};

struct LocalArtifact {
  const TemplateNode* node;
  std::string path;  ///< as `needs` names it
  ArtifactForm form;
  bool zip;                ///< a single file is put into one, too
  std::string what;        ///< "line 12: Code of Handler", for errors
  std::string resource{};  ///< its logical id; empty: it is of none
};

/// All of a template. `at`: the template's own path, as `needs` names it; others are relative to its folder,
/// or from the repository's root with a leading slash. Pointers lead into the tree.
std::vector<LocalArtifact> local_artifacts(const TemplateNode& root, const std::string& at);

/// `path` as it is meant in the file `at`, without `.` and `..` where that can be.
std::string path_beside(const std::string& at, std::string_view path);

}  // namespace gitopsd::aws
