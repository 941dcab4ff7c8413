#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/file.h"
#include "base/problem.h"

namespace gitopsd {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/gitopsd-file-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

int refusal(int root, std::string_view path) {
  try {
    open_beneath(root, path, O_RDONLY);
    return 0;
  } catch (const std::system_error& e) {
    return e.code().value();
  }
}

void open_below_a_root() {
  const Folder folder;
  namespace fs = std::filesystem;
  fs::create_directories(folder.path + "/root/sub");
  write_file_atomically(folder.path + "/outside", "o");
  write_file_atomically(folder.path + "/root/sub/file", "inside");
  fs::create_symlink("../outside", folder.path + "/root/link");
  fs::create_symlink("sub", folder.path + "/root/folder-link");
  fs::create_symlink("/etc", folder.path + "/root/etc");
  const Fd root = open_directory(folder.path + "/root");
  const Fd file = open_beneath(root.get(), "sub/file", O_RDONLY);
  CHECK(read_fd(file.get(), "file", 100) == "inside");
  CHECK((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(refusal(root.get(), "../outside") == EXDEV);
  CHECK(refusal(root.get(), "sub/../../outside") == EXDEV);
  CHECK(refusal(root.get(), "/etc/passwd") == EXDEV);
  CHECK(refusal(root.get(), "link") == ELOOP);
  CHECK(refusal(root.get(), "folder-link/file") == ELOOP);
  CHECK(refusal(root.get(), "etc/passwd") == ELOOP);
  CHECK(refusal(root.get(), "gone") == ENOENT);
  CHECK(refusal(root.get(), std::string_view("sub\0x", 5)) == EINVAL);
  const Fd made = open_beneath(root.get(), "new", O_WRONLY | O_CREAT | O_EXCL, 0640);
  struct stat st {};
  REQUIRE(::fstat(made.get(), &st) == 0);
  CHECK((st.st_mode & 0777) == (0640 & ~[] {
          const mode_t mask = ::umask(0);
          ::umask(mask);
          return mask;
        }()));
  // A mode is for files that are made; a folder that is opened takes none.
  CHECK_NOTHROW(open_beneath(root.get(), "sub", O_RDONLY | O_DIRECTORY, 0700));
  CHECK_THROWS_AS(open_directory(folder.path + "/outside"), std::system_error);
}

/// Of this thread, for good.
void without_openat2() {
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{4, code};
  REQUIRE(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

}  // namespace

TEST_CASE("nothing outside a root is opened through it") {
  open_below_a_root();
}

TEST_CASE("nor where systemd's filter takes openat2 away") {
  std::thread([] {
    without_openat2();
    REQUIRE(::syscall(SYS_openat2, -1, "", nullptr, 0) == -1);
    REQUIRE(errno == ENOSYS);
    open_below_a_root();
  }).join();
}

TEST_CASE("a file is read whole, but for one that is too large") {
  const Folder folder;
  const std::string path = folder.path + "/f", bytes(100'000, 'x');
  write_file_atomically(path, bytes);
  CHECK(read_file(path) == bytes);
  CHECK(read_file(path, bytes.size()) == bytes);
  CHECK_THROWS_WITH_AS(read_file(path, bytes.size() - 1), doctest::Contains("is larger than 99999 bytes"),
                       Failure);
  CHECK_THROWS_WITH_AS(read_file(folder.path + "/gone"),
                       doctest::Contains("/gone: No such file or directory (ENOENT)"), Failure);
  CHECK_THROWS_WITH_AS(read_file(folder.path), doctest::Contains("EISDIR"), Failure);
}

TEST_CASE("a file is replaced whole or not at all") {
  const Folder folder;
  const std::string path = folder.path + "/f";
  write_file_atomically(path, "one", 0644);
  struct stat before {
  }, after{};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  CHECK((before.st_mode & 0777) == 0644);
  write_file_atomically(path, "two");
  REQUIRE(::stat(path.c_str(), &after) == 0);
  CHECK(read_file(path) == "two");
  CHECK((after.st_mode & 0777) == 0600);
  CHECK(before.st_ino != after.st_ino);
  // A folder in the place of the file cannot be replaced; nothing is left beside it.
  std::filesystem::create_directories(folder.path + "/d/x");
  CHECK_THROWS_WITH_AS(write_file_atomically(folder.path + "/d", "x"), doctest::Contains("cannot replace"),
                       Failure);
  CHECK_THROWS_AS(write_file_atomically(folder.path + "/gone/f", "x"), Failure);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(folder.path)) ++entries;
  CHECK(entries == 2);
}

TEST_CASE("a descriptor has one owner") {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  {
    Fd a(fds[0]);
    Fd b(std::move(a));
    CHECK_FALSE(a);  // NOLINT(bugprone-use-after-move): that is what is tested
    CHECK(b.get() == fds[0]);
    b = Fd(fds[1]);
    CHECK(::fcntl(fds[0], F_GETFD) == -1);
    CHECK(::fcntl(fds[1], F_GETFD) != -1);
  }
  CHECK(::fcntl(fds[1], F_GETFD) == -1);
}

}  // namespace gitopsd
