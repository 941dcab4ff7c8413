// How declared objects are, and how an apply would make them.
#pragma once

#include <vector>

#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/read_objects.h"
#include "providers/kubernetes/state.h"

namespace gitopsd::kubernetes {

struct Asking {
  const Manifest* manifest = nullptr;
  ReadObject live;
  HttpResponse dry_run;
};

/// All at once, or in two rounds where fields are left to others as they are.
void ask_all(Cluster&, std::vector<Asking>&, const protocol::Owner&, const Policy&, const Kinds&);

}  // namespace gitopsd::kubernetes
