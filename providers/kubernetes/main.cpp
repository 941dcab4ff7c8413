#include "providers/kubernetes/kubernetes.h"
#include "providers/protocol/provider_main.h"

int main(int argc, char** argv) {
  return gitopsd::protocol::provider_main(argc, argv, "gitopsd-provider-kubernetes",
                                          [] { return std::make_unique<gitopsd::kubernetes::Kubernetes>(); });
}
