#include "daemon/render/sandbox/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

#include "daemon/render/sandbox/descriptor.h"

namespace gitopsd::sandbox {
namespace {

// Of linux/landlock.h, whose Debian 12 copy ends at ABI 2: written out, so that a newer kernel's rights are
// taken where they are.
constexpr int kLeastAbi = 2;
constexpr std::uint64_t kExecute = 1u << 0, kWriteFile = 1u << 1, kReadFile = 1u << 2, kReadFolder = 1u << 3,
                        kRemoveFolder = 1u << 4, kRemoveFile = 1u << 5, kMakeFolder = 1u << 7,
                        kMakeFile = 1u << 8, kRefer = 1u << 13, kTruncate = 1u << 14;
constexpr std::uint64_t kRightsOfAbi2 = (1u << 14) - 1;
constexpr std::uint64_t kIoctlOfDevice = 1u << 15;
constexpr std::uint64_t kBindAndConnectTcp = 3;
constexpr std::uint64_t kAbstractSocketsAndSignals = 3;
constexpr std::uint32_t kVersion = 1u << 0;
constexpr int kPathBeneath = 1;

struct Ruleset {
  std::uint64_t files = 0, network = 0, scoped = 0;
};
struct __attribute__((packed)) Beneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

[[noreturn]] void give_up(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int abi() {
  return static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion));
}

Ruleset handled_by(int version) {
  Ruleset all{kRightsOfAbi2, 0, 0};
  if (version >= 3) all.files |= kTruncate;
  if (version >= 4) all.network = kBindAndConnectTcp;
  if (version >= 5) all.files |= kIoctlOfDevice;
  if (version >= 6) all.scoped = kAbstractSocketsAndSignals;
  return all;
}

/// How much of the structure the kernel's version knows: a longer one is refused.
std::size_t size_for(int version) {
  if (version < 4) return sizeof(std::uint64_t);
  return version < 6 ? 2 * sizeof(std::uint64_t) : sizeof(Ruleset);
}

void allow(int ruleset, const std::string& path, std::uint64_t rights) {
  const Descriptor fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    give_up("cannot open " + path);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) give_up("cannot look at " + path);
  if (!S_ISDIR(status.st_mode)) rights &= kExecute | kWriteFile | kReadFile | kTruncate;
  const Beneath rule{rights, fd.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, kPathBeneath, &rule, 0) != 0) give_up("cannot allow " + path);
}

}  // namespace

void restrict_files(const Paths& paths) {
  const int version = abi();
  if (version < 0) give_up("this kernel offers no Landlock (landlock(7); is it in the lsm= list?)");
  if (version < kLeastAbi)
    throw std::runtime_error("this kernel's Landlock is ABI " + std::to_string(version) +
                             ", and ABI 2 is the least (Linux 5.19)");
  const Ruleset all = handled_by(version);
  const Descriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, size_for(version), 0)));
  if (ruleset.get() < 0) give_up("cannot make a Landlock ruleset");

  constexpr std::uint64_t kReading = kReadFile | kReadFolder;
  const std::uint64_t writing =
      (kReading | kWriteFile | kTruncate | kMakeFile | kMakeFolder | kRemoveFile | kRemoveFolder | kRefer) &
      all.files;
  for (const auto& path : paths.read) allow(ruleset.get(), path, kReading);
  for (const auto& path : paths.write) allow(ruleset.get(), path, writing);
  for (const auto& path : paths.execute) allow(ruleset.get(), path, kExecute | kReadFile);
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) give_up("cannot enter the Landlock");
}

}  // namespace gitopsd::sandbox
