// A snapshot out of memory, for tests: paths and their bytes, or what stands there instead of a file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/problem.h"
#include "daemon/source/mirror.h"

namespace gitopsd::test {

class Tree : public source::Snapshot {
 public:
  Tree& file(const std::string& path, const std::string& bytes) {
    return put(path, source::EntryKind::file, bytes);
  }
  Tree& put(const std::string& path, source::EntryKind kind, const std::string& bytes) {
    for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
      const std::string folder = path.substr(0, slash);
      entries_[folder] = {folder, id(folder), source::EntryKind::directory};
    }
    entries_[path] = {path, id(bytes), kind};
    bytes_[id(bytes)] = bytes;
    return *this;
  }

  const CommitId& commit() const override { return commit_; }
  std::optional<source::TreeEntry> entry(const std::string& path) const override {
    if (path.empty()) return source::TreeEntry{"", id(""), source::EntryKind::directory};
    const auto found = entries_.find(path);
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<source::TreeEntry> files(const std::string& path, std::size_t limit) const override {
    std::vector<source::TreeEntry> out;
    for (const auto& [name, entry] : entries_) {
      const bool below = path.empty() || name.starts_with(path + "/");
      if (below && entry.kind != source::EntryKind::directory) out.push_back(entry);
    }
    if (out.size() > limit) throw fail(ProblemCause::input, "more than " + std::to_string(limit) + " files");
    return out;
  }
  std::string read(const CommitId& blob, const std::string& path, std::size_t limit) const override {
    const std::string& bytes = bytes_.at(blob);
    if (bytes.size() > limit) throw fail(ProblemCause::input, path + " is too large");
    return bytes;
  }
  std::vector<Change> changes_since(const Snapshot&, const std::string&) const override { return {}; }
  std::string subject() const override { return "subject"; }
  std::string author() const override { return "author"; }

 private:
  static CommitId id(const std::string& bytes) {
    return *CommitId::parse(to_hex(sha256(bytes)).substr(0, 40));
  }

  const CommitId commit_ = *CommitId::parse("0123456789abcdef0123456789abcdef01234567");
  std::map<std::string, source::TreeEntry> entries_;
  std::map<CommitId, std::string> bytes_;
};

}  // namespace gitopsd::test
