#include <malloc.h>

#include "providers/kubernetes/kubernetes.h"
#include "providers/protocol/provider_main.h"

int main(int argc, char** argv) {
  // A dozen threads with a heap each would keep what one of them once needed.
  ::mallopt(M_ARENA_MAX, 2);
  return gitopsd::protocol::provider_main(argc, argv, "gitopsd-provider-kubernetes",
                                          [] { return std::make_unique<gitopsd::kubernetes::Kubernetes>(); });
}
