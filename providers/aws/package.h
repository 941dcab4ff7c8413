// Templates with what they name of the repository in S3, as `aws cloudformation package` leaves them, but for
// everything else, which stays as it was written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "providers/aws/stack.h"
#include "providers/aws/state.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

/// Of TemplateBody; larger ones go by way of S3.
inline constexpr std::size_t kLargestBody = 51'200;

/// What has to be read besides what was sent, as `needs` names it: files that the template names, and those
/// that nested ones do. Adds problems of what cannot be packaged.
std::vector<std::string> missing_artifacts(const Stack&, const ArtifactsPlace&, protocol::BlobReader&,
                                           std::vector<protocol::WireProblem>& problems);

/// A template as CloudFormation is to have it.
struct PackagedTemplate {
  std::string text;
  std::string url;  ///< where it was uploaded; empty: it is small enough to be sent itself
};
/// Uploads what is not there yet, or has been for a week, each under the digest of its bytes, or of the files
/// that it is made of. Throws Failure.
PackagedTemplate package_template(State&, protocol::CallContext&, const Stack&);

/// A zip of these files under the digests of their bytes is named by this.
std::string digest_of_zip(const std::map<std::string, std::string>& digests);

}  // namespace gitopsd::aws
