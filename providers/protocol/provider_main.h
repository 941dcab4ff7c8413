// main() of a provider, with the options that every one has.
#pragma once

#include "providers/protocol/service.h"

namespace gitopsd::protocol {

/// `NAME [--allow-user USER] [--version] [--help]`. Returns the exit status.
int provider_main(int argc, char** argv, const char* name, const ServiceFactory&);

}  // namespace gitopsd::protocol
