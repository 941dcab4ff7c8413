// Repositories made by Debian's git, in folders that go with their test.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "base/problem.h"
#include "daemon/source/mirror.h"

namespace gitopsd::source::test {

inline const Cancel never;

/// A new folder; removed with all that is in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Runs a program (an absolute path) to its end with `input`; gives its standard output. Throws on failure.
std::string run(const std::vector<std::string>& arguments, const std::string& input = {},
                const std::string& directory = {});

/// Waits for `condition`, at most `limit`, under a sanitizer five times that. False when it never came.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(20));

/// A bare repository that is written to with plumbing, without a checkout.
class Origin {
 public:
  explicit Origin(std::string path, const std::vector<std::string>& init_options = {});
  /// git ARGUMENTS in the repository; its output without the last newline.
  std::string git(std::vector<std::string> arguments, const std::string& input = {}) const;
  CommitId blob(const std::string& content) const;
  /// A tree by `git mktree`: lines "MODE TYPE ID\tNAME".
  CommitId tree(const std::string& lines) const;
  /// A tree of whatever entries, good or not, by hash-object --literally.
  CommitId raw_tree(const std::vector<std::pair<std::string, CommitId>>& mode_and_name) const;
  CommitId commit_tree(const CommitId& tree, const std::vector<CommitId>& parents = {}) const;
  /// Commits these files (path to content) on top of `ref` and moves it.
  CommitId commit(const std::map<std::string, std::string>& files, const std::string& ref = "refs/heads/main",
                  const std::string& message = "A change") const;
  CommitId tip(const std::string& ref = "refs/heads/main") const;
  void set(const std::string& ref, const CommitId& id) const;
  const std::string& path() const { return path_; }
  std::string url() const { return "file://" + path_; }

 private:
  std::string path_;
};

Remote remote_of(const std::string& url);
CommitId id(const std::string& hex);
inline Ref main_ref() {
  return Ref::parse("refs/heads/main").value();
}

/// The failure of `work`. Fails the test where there is none.
Failure failure_of(const std::function<void()>& work);
bool contains(const std::string& text, const std::string& part);

}  // namespace gitopsd::source::test
