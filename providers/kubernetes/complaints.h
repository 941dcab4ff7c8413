// Everything that the API server has against a manifest, each with the member that it is about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "providers/kubernetes/cluster.h"
#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

/// What is wrong with a field; the field is as the server names it, and empty where it names none.
struct Complaint {
  std::string field, message;
};

/// From the message of a refusal that has no causes: a schema error of a server-side apply (500), or a
/// document that cannot be decoded (400). Empty where it is neither. Values are not repeated: they may be
/// secret.
std::vector<Complaint> complaints_in(std::string_view message);

/// What YAML made of a word without quotes, where that is why the server has something against the member at
/// `pointer`; else empty. `document` is what people wrote.
std::string yaml_hint(const Value& document, const std::string& pointer, std::string_view message);

/// `Invalid value: VALUE: what is wrong with it`, without a value that fills the screen, such as a Pod
/// template.
std::string without_long_value(std::string message);

/// All of them, from the answer to a server-side apply and, where the server stops at what is wrong with the
/// shape, from dry runs that leave out what is known to be wrong. `document` is what people wrote.
std::vector<protocol::WireProblem> complaints_about(Cluster&, const Manifest&, const Value& document,
                                                    const protocol::Owner&, const Policy&,
                                                    const HttpResponse& refusal);

}  // namespace gitopsd::kubernetes
