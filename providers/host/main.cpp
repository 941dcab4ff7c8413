#include "providers/host/host.h"
#include "providers/protocol/provider_main.h"

int main(int argc, char** argv) {
  return gitopsd::protocol::provider_main(argc, argv, "gitopsd-provider-host",
                                          [] { return std::make_unique<gitopsd::host::Host>(); });
}
