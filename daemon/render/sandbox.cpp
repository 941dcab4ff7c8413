#include "daemon/render/sandbox.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/captured_run.h"
#include "base/file.h"
#include "base/utf8.h"
#include "daemon/render/render.h"

namespace gitopsd::render {
namespace {

namespace fs = std::filesystem;
using source::EntryKind;

constexpr int kNoSandbox = 125;  // gitopsd-render's exit status
constexpr std::size_t kFileBytes = 64u << 20;

[[noreturn]] void cannot_write(const std::string& path) {
  throw fail(ProblemCause::transient, "cannot write " + path + ": " + errno_text(errno));
}

void make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) cannot_write(path);
}

const std::string& made(const std::string& path) {
  make_folder(path);
  return path;
}

void make_folders_of(const std::string& root, const std::string& path) {
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    make_folder(root + "/" + path.substr(0, slash));
}

/// Below `root` and through no symbolic link, whatever a repository holds.
Fd open_new(int root, const std::string& path, int flags, mode_t mode = 0) {
  try {
    return open_beneath(root, path, flags, mode);
  } catch (const std::system_error& error) {
    errno = error.code().value();
    cannot_write(path);
  }
}

void write_new(int root, const std::string& path, std::string_view bytes) {
  const Fd fd = open_new(root, path, O_WRONLY | O_CREAT | O_EXCL, 0400);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) cannot_write(path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void link_new(int root, const std::string& path, const std::string& to) {
  const auto slash = path.rfind('/');
  const Fd folder = open_new(root, slash == path.npos ? "." : path.substr(0, slash), O_PATH | O_DIRECTORY);
  if (::symlinkat(to.c_str(), folder.get(), path.c_str() + (slash == path.npos ? 0 : slash + 1)) != 0)
    cannot_write(path);
}

std::string without(std::string text, const std::string& part) {
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at)) text.erase(at, part.size());
  return text;
}

/// A Go program that ends by itself prints pages of addresses after what it has to say.
std::string without_stacks(std::string text) {
  for (const char* begin : {"runtime stack:\n", "goroutine "}) {
    const auto at = text.find("\n" + std::string(begin));
    if (at != text.npos) text.resize(at);
  }
  return text;
}

/// Go's words where the sandbox gives it no more; the last, outside of any goroutine, where its runtime does
/// not look whether it got what it asked for.
bool is_out_of_memory(const std::string& errors) {
  for (const char* words : {"fatal error: runtime: out of memory", "fatal error: out of memory",
                            "fatal error: runtime: cannot allocate", "fatal error: failed to reserve",
                            "SIGSEGV: segmentation violation\nPC="})
    if (errors.find(words) != errors.npos) return true;
  return false;
}

std::string what_failed(const CapturedRun& run, const config::Renderers& limits) {
  if (run.too_slow)
    return "was still running after " + std::to_string(limits.timeout.count()) + " ms (renderers.timeout)";
  if (run.too_much)
    return "printed more than " + std::to_string(limits.output_bytes) + " bytes (renderers.output_bytes)";
  if (run.status != 0 && is_out_of_memory(run.errors))
    return "needed more than " + std::to_string(limits.memory_bytes) + " bytes (renderers.memory_bytes)";
  return run.status == 0 ? "" : "ended with " + describe_wait_status(run.status);
}

std::vector<std::string> environment(const Sandbox& sandbox, const RunFolder& folder) {
  const std::string scratch = folder.scratch();
  return {"HOME=" + scratch, "TMPDIR=" + scratch, "XDG_CONFIG_HOME=" + scratch, "XDG_CACHE_HOME=" + scratch,
          "XDG_DATA_HOME=" + scratch, "HELM_CONFIG_HOME=" + scratch, "HELM_CACHE_HOME=" + scratch,
          "HELM_DATA_HOME=" + scratch,
          // Whatever a repository may pass for Helm's folders.
          "HELM_PLUGINS=" + scratch + "/no-plugins", "PATH=", "LC_ALL=C.UTF-8",
          // The sandbox lets the first process alone interrupt its threads.
          "GODEBUG=asyncpreemptoff=1",
          // It collects its garbage before the limit stops it.
          "GOMEMLIMIT=" + std::to_string(sandbox.limits.memory_bytes / 4 * 3)};
}

}  // namespace

RunFolder::RunFolder(const Sandbox& sandbox) : folder_(made(sandbox.folder) + "/") {
  make_folder(tree());
  make_folder(scratch());
}

std::vector<std::string> RunFolder::write(const source::Snapshot& snapshot,
                                          const std::vector<std::string>& paths) const {
  const Limits limits;
  std::size_t left = limits.total_bytes, count = 0;
  std::vector<std::string> left_out;
  const Fd root = open_directory(tree());
  std::vector<std::pair<std::string, std::string>> links;  // made last: nothing is written through one
  for (const auto& path : paths) {
    const auto at = snapshot.entry(path);
    if (!at) continue;  // the renderer says so better
    std::vector<source::TreeEntry> files{*at};
    if (at->kind == EntryKind::directory) {
      files = snapshot.files(path, limits.files);
      make_folders_of(tree(), path + "/");
    }
    if ((count += files.size()) > limits.files)
      throw fail(ProblemCause::input, "a build reads more than " + std::to_string(limits.files) + " files");
    for (const auto& file : files) {
      std::string bytes;
      try {
        bytes = snapshot.read(file.id, file.path, std::min(left, kFileBytes));
      } catch (const Failure& failure) {
        if (failure.cause() != ProblemCause::input) throw;
        left_out.push_back(file.path);
        continue;
      }
      left -= bytes.size();
      make_folders_of(tree(), file.path);
      if (file.kind == EntryKind::symlink)
        links.emplace_back(file.path, bytes);
      else
        write_new(root.get(), file.path, bytes);
    }
  }
  for (const auto& [path, to] : links) link_new(root.get(), path, to);
  return left_out;
}

std::string RunFolder::write_scratch(const std::string& name, const std::string& bytes) const {
  make_folders_of(scratch(), name);
  write_new(open_directory(scratch()).get(), name, bytes);
  return scratch() + "/" + name;
}

Ran run_in_sandbox(const Sandbox& sandbox, const RunFolder& folder, const std::vector<std::string>& command,
                   const std::string& child) {
  const auto& limits = sandbox.limits;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limits.timeout).count();
  Command whole;
  whole.arguments = {sandbox.program, "--read", folder.tree(), child.empty() ? "--read" : "--write",
                     folder.scratch(), "--cpu",
                     // Of all its threads together; the time by the clock is kept here.
                     std::to_string(seconds * 8), "--memory", std::to_string(limits.memory_bytes), "--file",
                     std::to_string(kFileBytes)};
  if (!child.empty()) whole.arguments.insert(whole.arguments.end(), {"--child", child});
  whole.arguments.insert(whole.arguments.end(), command.begin(), command.end());
  whole.environment = environment(sandbox, folder);
  whole.directory = folder.tree();
  auto run = run_captured(whole, limits.output_bytes, limits.timeout);
  if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == kNoSandbox)
    throw fail(ProblemCause::internal, "the renderer's sandbox cannot be set up: " + run.last_words,
               "it needs Linux 5.19 with Landlock, and a unit that allows landlock_* and seccomp");
  Ran ran{std::move(run.output), without_stacks(replace_invalid_utf8(run.errors)), what_failed(run, limits)};
  ran.errors =
      without(without(without(ran.errors, folder.tree() + "/"), folder.tree()), folder.scratch() + "/");
  return ran;
}

std::string render_program() {
  const auto own = fs::read_symlink("/proc/self/exe").parent_path();
  for (const auto& folder : {own, own.parent_path() / "daemon"})
    if (const auto built = folder / "render/sandbox/gitopsd-render"; fs::exists(built)) return built;
  return own.parent_path() / "libexec/gitopsd/gitopsd-render";
}

std::string find_program(const std::string& configured, const std::vector<std::string>& names) {
  const auto can_run = [](const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0 && fs::is_regular_file(path);
  };
  if (!configured.empty()) return can_run(configured) ? configured : std::string();
  const char* path = std::getenv("PATH");
  for (const auto& name : names) {
    std::string rest = path ? path : "/usr/local/bin:/usr/bin";
    while (!rest.empty()) {
      const auto colon = rest.find(':');
      const std::string candidate = rest.substr(0, colon) + "/" + name;
      if (candidate.starts_with('/') && can_run(candidate)) return fs::canonical(candidate).string();
      rest = colon == rest.npos ? "" : rest.substr(colon + 1);
    }
  }
  return {};
}

std::string program_identity(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "missing";
  return std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

}  // namespace gitopsd::render
