// gitopsd-provider-host [--allow-user USER]
#include <cstdio>
#include <string_view>

#include "base/log.h"
#include "base/undumpable.h"
#include "providers/host/facts.h"
#include "providers/host/host.h"

namespace {

constexpr const char* kUsage =
    "usage: gitopsd-provider-host [--allow-user USER]\n"
    "Speaks the provider protocol on standard input and output, or on the Unix socket that systemd hands "
    "over;\n"
    "there only USER may connect. The daemon starts this program; there is nothing to do with it by hand.\n";

}  // namespace

int main(int argc, char** argv) {
  gitopsd::forbid_core_dumps();
  gitopsd::log::start("gitopsd-provider-host");
  gitopsd::protocol::RunOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--version") return std::puts("gitopsd-provider-host " GITOPSD_VERSION) < 0;
    if (argument == "--help") return std::fputs(kUsage, stdout) < 0;
    if (argument != "--allow-user" || i + 1 == argc) return std::fputs(kUsage, stderr), 2;
    options.allowed_peer = gitopsd::host::user_id(argv[++i]);
    if (options.allowed_peer) continue;
    std::fprintf(stderr, "gitopsd-provider-host: there is no user '%s'\n", argv[i]);
    return 2;
  }
  try {
    return gitopsd::protocol::run_provider([] { return std::make_unique<gitopsd::host::Host>(); }, options);
  } catch (const std::exception& e) {
    gitopsd::log::error("the provider ended", {{"why", e.what()}});
    return 1;
  }
}
