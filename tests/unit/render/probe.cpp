// A renderer that tries what none may: each word of its command line is one attempt, said on standard output.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

using Attempt = std::function<bool(const std::string&)>;

bool read_all(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char bytes[64];
  const bool done = fd >= 0 && ::read(fd, bytes, sizeof bytes) >= 0;
  if (fd >= 0) ::close(fd);
  return done;
}

bool write_new(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const bool done = fd >= 0 && ::write(fd, "x", 1) == 1;
  if (fd >= 0) ::close(fd);
  return done;
}

bool connect_to(const std::string& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

bool fork_child() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child > 0 && ::waitpid(child, nullptr, 0) == child;
}

/// As Go and posix_spawn(3) start programs; `arguments` after the program's path, each behind a comma.
bool spawn(const std::string& words) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at <= words.size();) {
    const auto comma = std::min(words.find(',', at), words.size());
    all.push_back(words.substr(at, comma - at));
    at = comma + 1;
  }
  std::vector<char*> arguments;
  for (auto& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  std::fflush(stdout);
  pid_t child = -1;
  errno = ::posix_spawn(&child, all[0].c_str(), nullptr, nullptr, arguments.data(), environment);
  if (errno != 0) return false;
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

bool clone_with(unsigned long flags) {
  const long child = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) ::_exit(0);
  return child > 0;
}

bool execute(const std::string& path) {
  char* arguments[] = {const_cast<char*>(path.c_str()), nullptr};
  char* environment[] = {nullptr};
  ::execve(path.c_str(), arguments, environment);
  return false;
}

bool copy_and_execute(const std::string& folder) {
  const std::string path = folder + "/program";
  const int from = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const int to = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
  if (to < 0) return false;
  if (from >= 0) ::close(from);
  ::close(to);
  return execute(path);
}

[[noreturn]] void spin() {
  for (volatile int i = 0; i == 0;) {
  }
  ::_exit(3);
}

[[noreturn]] void flood() {
  const std::string line(4096, 'x');
  while (::write(1, line.data(), line.size()) > 0) {
  }
  ::_exit(3);
}

bool take_memory(const std::string& bytes) {
  const std::size_t size = std::stoull(bytes);
  char* all = static_cast<char*>(std::malloc(size));
  if (all == nullptr) return false;
  for (std::size_t i = 0; i < size; i += 4096) all[i] = 1;
  return all[size / 2] == 1 || all[0] == 1;
}

bool run_thread() {
  int answer = 0;
  std::thread([&] { answer = 42; }).join();
  return answer == 42;
}

bool raise_limit() {
  const rlimit more{rlim_t{1} << 40, rlim_t{1} << 40};
  return ::setrlimit(RLIMIT_FSIZE, &more) == 0;
}

const std::map<std::string, Attempt>& attempts() {
  static const std::map<std::string, Attempt> all{
      {"read", read_all},
      {"write", write_new},
      {"connect", connect_to},
      {"fork", [](const std::string&) { return fork_child(); }},
      {"spawn", spawn},
      {"new-namespace", [](const std::string&) { return clone_with(CLONE_NEWUSER | SIGCHLD); }},
      {"leave-group", [](const std::string&) { return ::setpgid(0, 0) == 0 || ::setsid() > 0; }},
      {"execute", execute},
      {"copy-and-execute", copy_and_execute},
      {"chmod", [](const std::string& path) { return ::chmod(path.c_str(), 0777) == 0; }},
      {"truncate", [](const std::string& path) { return ::truncate(path.c_str(), 0) == 0; }},
      {"remove", [](const std::string& path) { return ::unlinkat(AT_FDCWD, path.c_str(), 0) == 0; }},
      {"kill", [](const std::string& pid) { return ::kill(std::stoi(pid), 0) == 0; }},
      {"ptrace", [](const std::string& pid) { return ::ptrace(PTRACE_ATTACH, std::stoi(pid), 0, 0) == 0; }},
      {"unix-socket", [](const std::string&) { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }},
      {"raise-limit", [](const std::string&) { return raise_limit(); }},
      {"memory", take_memory},
      {"thread", [](const std::string&) { return run_thread(); }},
      {"environment", [](const std::string& name) { return std::getenv(name.c_str()) != nullptr; }},
      {"send-signals", [](const std::string& pid) { return ::fcntl(1, F_SETOWN, std::stoi(pid)) == 0; }},
      {"descriptor", [](const std::string& fd) { return ::fcntl(std::stoi(fd), F_GETFD) >= 0; }},
  };
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "spin") spin();
    if (word == "flood") flood();
    if (word == "complain") {
      std::fprintf(stderr, "complaint\n");
      return 4;
    }
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals),
                      value = equals == word.npos ? "" : word.substr(equals + 1);
    errno = 0;
    const bool done = attempts().at(name)(value);
    std::printf("%s: %s\n", name.c_str(), done ? "DONE" : errno != 0 ? strerrorname_np(errno) : "no");
    std::fflush(stdout);
  }
}
