#include "daemon/render/sandbox/system_calls.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace gitopsd::sandbox {
namespace {

// What Go's runtime and the C library's start need to read and write files and to run threads. Nothing with
// which to reach a network, another process, a device, an owner or a mode. On an architecture that has not
// one of these, libseccomp leaves it out.
constexpr int kAllowed[] = {
    // files
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(stat), SCMP_SYS(fstat),
    SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
    SCMP_SYS(dup), SCMP_SYS(dup3), SCMP_SYS(pipe2), SCMP_SYS(ftruncate), SCMP_SYS(fsync), SCMP_SYS(mkdirat),
    SCMP_SYS(unlinkat), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(umask),
    // waiting
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pselect6), SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall),
    // memory
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
    SCMP_SYS(mincore), SCMP_SYS(brk),
    // threads and signals
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address), SCMP_SYS(rseq),
    SCMP_SYS(arch_prctl), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(gettid), SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    // about itself
    SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(getrlimit), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrandom),
    // Landlock says of what: the renderer, once.
    SCMP_SYS(execve)};

// What may be asked of a descriptor: its copies, flags and locks. Not who gets its signals: that could be any
// process of this user.
constexpr int kAllowedOfDescriptors[] = {F_DUPFD,     F_GETFD,     F_SETFD,      F_GETFL,
                                         F_SETFL,     F_GETLK,     F_SETLK,      F_SETLKW,
                                         F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_DUPFD_CLOEXEC};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release) {
    if (!context_) throw std::runtime_error("cannot make a seccomp filter");
  }
  template <class... Conditions>
  void rule(std::uint32_t action, int call, Conditions... conditions) {
    check(seccomp_rule_add(context_.get(), action, call, sizeof...(conditions), conditions...));
  }
  void load() { check(seccomp_load(context_.get())); }

 private:
  static void check(int result) {
    if (result != 0)
      throw std::system_error(-result, std::generic_category(), "cannot set up the seccomp filter");
  }
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
};

}  // namespace

void restrict_system_calls(bool children) {
  Filter filter;
  for (const int call : kAllowed) filter.rule(SCMP_ACT_ALLOW, call);
  for (const int command : kAllowedOfDescriptors)
    filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, static_cast<unsigned>(command), 0));
  // Threads only. The flags of clone3 are out of a filter's sight; without it, clone is tried.
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  filter.rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  if (children) {
    // Only as Go starts a program: the parent stands still until its child becomes that program or ends.
    filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_EQ, CLONE_VFORK | CLONE_VM | SIGCHLD, 0));
    for (const int call : {SCMP_SYS(wait4), SCMP_SYS(waitid)}) filter.rule(SCMP_ACT_ALLOW, call);
  }
  // Go interrupts its own threads; the process id stays what it is through execve.
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
              SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()), 0));
  // Reading a limit of its own; with a new limit it would be setting one.
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0));
  // "Is it a terminal?" has an answer that no program takes for an error.
  filter.rule(SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl));
  filter.load();
}

}  // namespace gitopsd::sandbox
