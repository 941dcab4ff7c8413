// gitopsd-render: becomes a renderer such as kustomize that can read one snapshot, write one scratch folder
// and print its result, and nothing else. The daemon starts it with nothing but an environment of its own
// making, and keeps the time and the size of the output.
//
//   gitopsd-render [--read PATH]... [--write FOLDER]... [--cpu SECONDS] [--memory BYTES] [--file BYTES]
//                  [--child PROGRAM] PROGRAM ARGUMENT...
//
// With --child it may run that program, in the same sandbox: kustomize has Helm inflate charts. The limits of
// time, memory and file size are each process's.
//
// Exit status 125: the sandbox could not be set up, and the program was not run.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "daemon/render/sandbox/landlock.h"
#include "daemon/render/sandbox/loader.h"
#include "daemon/render/sandbox/system_calls.h"

namespace {

using namespace gitopsd;

constexpr int kNoSandbox = 125;
constexpr rlim_t kOpenFiles = 256;

struct Order {
  sandbox::Paths paths;
  rlim_t cpu = 60, memory = rlim_t{1} << 30, file = rlim_t{64} << 20;
  std::string child;
  std::vector<char*> command;  ///< ends with a null pointer
};

rlim_t to_number(const std::string& text) {
  std::size_t end = 0;
  const auto number = std::stoull(text, &end);
  if (end != text.size()) throw std::runtime_error(text + " is no number");
  return number;
}

Order read_order(int argc, char** argv) {
  Order order;
  int i = 1;
  for (; i + 1 < argc && std::string(argv[i]).starts_with("--"); i += 2) {
    const std::string option = argv[i], value = argv[i + 1];
    if (option == "--read") {
      order.paths.read.push_back(value);
    } else if (option == "--write") {
      order.paths.write.push_back(value);
    } else if (option == "--cpu") {
      order.cpu = to_number(value);
    } else if (option == "--memory") {
      order.memory = to_number(value);
    } else if (option == "--file") {
      order.file = to_number(value);
    } else if (option == "--child") {
      order.child = value;
    } else {
      throw std::runtime_error("there is no option " + option);
    }
  }
  if (i == argc) throw std::runtime_error("there is no program to run");
  order.command.assign(argv + i, argv + argc + 1);
  return order;
}

void limit(int resource, rlim_t most) {
  const rlimit both{most, most};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &both) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot set a resource limit");
}

void set_limits(const Order& order) {
  limit(RLIMIT_CPU, order.cpu);
  // Not RLIMIT_AS: Go reserves far more addresses than it uses.
  limit(RLIMIT_DATA, order.memory);
  limit(RLIMIT_FSIZE, order.file);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kOpenFiles);
}

void add_program(sandbox::Paths& paths, const std::string& program) {
  paths.execute.push_back(program);
  const std::string loader = sandbox::dynamic_loader(program);
  if (loader.empty()) return;
  paths.execute.push_back(loader);
  for (const char* libraries : {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"})
    paths.read.emplace_back(libraries);
}

[[noreturn]] void become(Order order) {
  const std::string program = order.command.front();
  if (::syscall(SYS_close_range, 3u, ~0u, 0u) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot close what was inherited");
  add_program(order.paths, program);
  if (!order.child.empty()) add_program(order.paths, order.child);
  order.paths.write.emplace_back("/dev/null");
  set_limits(order);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot give up new privileges");
  sandbox::restrict_files(order.paths);
  sandbox::restrict_system_calls(!order.child.empty());
  ::execve(program.c_str(), order.command.data(), environ);
  throw std::system_error(errno, std::generic_category(), "cannot run " + program);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    become(read_order(argc, argv));
  } catch (const std::exception& e) {
    std::cerr << "gitopsd-render: " << e.what() << "\n";
    return kNoSandbox;
  }
}
