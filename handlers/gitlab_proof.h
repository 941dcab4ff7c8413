// GitLab's two proofs: the signing token (Standard Webhooks, `whsec_` secrets) and the secret token.
#pragma once

#include <span>
#include <string>

#include "handlers/handler.h"

namespace gitopsd::handlers {

struct GitLabProof {
  std::string problem;  ///< why there is none, or empty
  bool body_signed = false;
};

/// The signature where one is sent and a `whsec_` secret is configured; else X-Gitlab-Token against the
/// others. A wrong signature is never made good by a token.
GitLabProof prove_gitlab(const Delivery& delivery, std::span<const Secret> secrets);

}  // namespace gitopsd::handlers
