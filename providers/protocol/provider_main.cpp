#include "providers/protocol/provider_main.h"

#include <pwd.h>

#include <cstdio>
#include <string_view>

#include "base/log.h"
#include "base/undumpable.h"

namespace gitopsd::protocol {
namespace {

constexpr const char* kUsage =
    "usage: %s [--allow-user USER]\n"
    "Speaks the provider protocol on standard input and output, or on the Unix socket that systemd hands "
    "over;\n"
    "there only USER may connect. The daemon starts this program; there is nothing to do with it by hand.\n";

}  // namespace

int provider_main(int argc, char** argv, const char* name, const ServiceFactory& factory) {
  forbid_core_dumps();
  log::start(name);
  RunOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--version") return std::printf("%s " GITOPSD_VERSION "\n", name) < 0;
    if (argument == "--help") return std::fprintf(stdout, kUsage, name) < 0;
    if (argument != "--allow-user" || i + 1 == argc) return std::fprintf(stderr, kUsage, name), 2;
    if (const passwd* user = ::getpwnam(argv[++i])) {
      options.allowed_peer = user->pw_uid;
      continue;
    }
    std::fprintf(stderr, "%s: there is no user '%s'\n", name, argv[i]);
    return 2;
  }
  try {
    return run_provider(factory, options);
  } catch (const std::exception& e) {
    log::error("the provider ended", {{"why", e.what()}});
    return 1;
  }
}

}  // namespace gitopsd::protocol
