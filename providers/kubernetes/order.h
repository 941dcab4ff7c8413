// In which order kinds are written and removed.
#pragma once

#include <string>

#include "providers/kubernetes/manifest.h"

namespace gitopsd::kubernetes {

/// The manifest's sync wave and, within it, its kind's stage: namespaces, CustomResourceDefinitions, what
/// others need (accounts, roles, configuration, volumes), workloads, then what judges other objects
/// (webhooks, API services). The same for the same manifest, whatever else is in the plan.
int wave_of(const Manifest&);
/// Of the stages whose objects need not be healthy for the next stage of the same sync wave; empty for the
/// others.
std::string group_of(const Manifest&);
/// After every write; what was written last goes first.
int removal_wave(const GroupKind&);
/// Whether deleting one of it deletes data, or what else is in it.
bool holds_data(const GroupKind&);
/// Whether objects of others may be in it, and go with it.
bool holds_objects(const GroupKind&);

}  // namespace gitopsd::kubernetes
