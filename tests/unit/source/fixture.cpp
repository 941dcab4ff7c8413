#include "tests/unit/source/fixture.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/hash.h"
#include "base/process.h"
#include "tests/unit/slower.h"

namespace gitopsd::source::test {

namespace fs = std::filesystem;

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "gitopsd-source-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

Folder::~Folder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string run(const std::vector<std::string>& arguments, const std::string& input,
                const std::string& directory) {
  std::FILE* const in = std::tmpfile();
  std::FILE* const out = std::tmpfile();
  std::FILE* const error = std::tmpfile();
  REQUIRE((in != nullptr && out != nullptr && error != nullptr));
  std::fwrite(input.data(), 1, input.size(), in);
  std::rewind(in);
  Command command;
  command.arguments = arguments;
  command.environment = {"PATH=/usr/bin:/bin",
                         "HOME=/nonexistent",
                         "LC_ALL=C",
                         "GIT_CONFIG_NOSYSTEM=1",
                         "GIT_AUTHOR_NAME=Ada Example",
                         "GIT_AUTHOR_EMAIL=ada@example.com",
                         "GIT_COMMITTER_NAME=Ada Example",
                         "GIT_COMMITTER_EMAIL=ada@example.com"};
  command.directory = directory;
  command.input = fileno(in);
  command.output = fileno(out);
  command.error = fileno(error);
  const int status = Child(command).wait();
  const auto text = [](std::FILE* file) {
    lseek(fileno(file), 0, SEEK_SET);
    std::string bytes = read_fd(fileno(file), "output", 1u << 30);
    std::fclose(file);
    return bytes;
  };
  std::fclose(in);
  const std::string said = text(out), complaint = text(error);
  if (status != 0) throw std::runtime_error(arguments[0] + " " + arguments[1] + ": " + complaint);
  return said;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const Deadline deadline = Monotonic::now() + limit * gitopsd::test::kSlower;
  while (!condition()) {
    if (Monotonic::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

Origin::Origin(std::string path, const std::vector<std::string>& init_options) : path_(std::move(path)) {
  std::vector<std::string> arguments{"/usr/bin/git", "init", "-q", "--bare", "--initial-branch=main"};
  arguments.insert(arguments.end(), init_options.begin(), init_options.end());
  arguments.push_back(path_);
  run(arguments);
}

std::string Origin::git(std::vector<std::string> arguments, const std::string& input) const {
  // A repository that lives for a second need not survive a power cut, and a slow disk not slow the tests.
  arguments.insert(arguments.begin(), {"/usr/bin/git", "-c", "core.fsync=none", "-C", path_});
  std::string out = run(arguments, input);
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

CommitId Origin::blob(const std::string& content) const {
  return id(git({"hash-object", "-w", "--stdin"}, content));
}

CommitId Origin::tree(const std::string& lines) const {
  return id(git({"mktree", "--missing"}, lines));
}

CommitId Origin::raw_tree(const std::vector<std::pair<std::string, CommitId>>& mode_and_name) const {
  std::string bytes;
  for (const auto& [entry, object] : mode_and_name) bytes += entry + '\0' + from_hex(object.str()).value();
  return id(git({"hash-object", "-w", "-t", "tree", "--literally", "--stdin"}, bytes));
}

CommitId Origin::commit_tree(const CommitId& tree, const std::vector<CommitId>& parents) const {
  std::vector<std::string> arguments{"commit-tree", tree.str(), "-m", "A change"};
  for (const CommitId& parent : parents) arguments.insert(arguments.end(), {"-p", parent.str()});
  return id(git(arguments));
}

CommitId Origin::commit(const std::map<std::string, std::string>& files, const std::string& ref,
                        const std::string& message) const {
  std::string stream = "commit " + ref + "\ncommitter Ada Example <ada@example.com> 1700000000 +0000\ndata " +
                       std::to_string(message.size()) + "\n" + message + "\n";
  if (!git({"for-each-ref", ref}).empty()) stream += "from " + ref + "^0\n";
  for (const auto& [name, content] : files)
    stream += "M 100644 inline " + name + "\ndata " + std::to_string(content.size()) + "\n" + content + "\n";
  git({"fast-import", "--quiet", "--force"}, stream);
  return tip(ref);
}

CommitId Origin::tip(const std::string& ref) const {
  return id(git({"rev-parse", ref}));
}

void Origin::set(const std::string& ref, const CommitId& to) const {
  git({"update-ref", ref, to.str()});
}

Remote remote_of(const std::string& url) {
  Remote remote;
  remote.name = RepositoryName("web");
  remote.url = url;
  return remote;
}

CommitId id(const std::string& hex) {
  const auto parsed = CommitId::parse(hex);
  REQUIRE_MESSAGE(parsed, hex);
  return *parsed;
}

Failure failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Failure& failure) {
    return failure;
  }
  FAIL("no failure");
  return fail(ProblemCause::internal, "unreachable");
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace gitopsd::source::test
