// Why a workload is not well yet: its own status counts Pods, and what ails them only the Pods tell.
#pragma once

#include <string>
#include <vector>

#include "providers/kubernetes/live.h"

namespace gitopsd::kubernetes {

/// Whether objects of this kind make Pods and select them by labels.
bool makes_pods(const GroupKind&);
/// The labels of its Pods as a list asks for them; empty for other kinds.
std::string pod_selector(const Value& object);
/// "Pod NAME: REASON" of the one among these that has the most to say, the newest first; empty where none
/// has.
std::string pod_reason(const Value::Array& pods, WallMicros now);

/// Adds it to the health of those that are not well, by one bounded list each. Where Pods may not be listed
/// nothing is added.
void add_pod_reasons(Cluster&, const Policy&, const std::vector<Live::Wanted>&, std::vector<Looked>&);

}  // namespace gitopsd::kubernetes
