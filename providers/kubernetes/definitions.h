// Kinds that the server need not have yet, since CustomResourceDefinitions of the same commit define them.
#pragma once

#include <vector>

#include "providers/kubernetes/discovery.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

/// The kinds that CustomResourceDefinitions among the documents define.
Kinds kinds_defined_by(const std::vector<protocol::Document>&);
/// The same as `resolve` answers them, for calls with other documents of the application.
std::vector<Value> encode_kinds(const Kinds&);
/// Adds what other calls answered; what is no kind is passed over.
void add_kinds(const std::vector<Value>& defined, Kinds&);
/// Adds the kinds of one part of a plan that another part has to define: the ids say enough of them, since
/// `resolve` saw all the documents.
void add_kinds_of_ids(const protocol::PlanRequest&, const Kinds& server, Kinds&);

}  // namespace gitopsd::kubernetes
