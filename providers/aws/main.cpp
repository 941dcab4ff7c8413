#include "providers/aws/aws.h"
#include "providers/protocol/provider_main.h"

int main(int argc, char** argv) {
  return gitopsd::protocol::provider_main(argc, argv, "gitopsd-provider-aws",
                                          [] { return std::make_unique<gitopsd::aws::Aws>(); });
}
