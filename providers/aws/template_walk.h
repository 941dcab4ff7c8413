// The templates that a stack's template leads to, in what the daemon sent of the repository.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/problem.h"
#include "providers/aws/artifacts.h"
#include "providers/protocol/messages.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

/// What the daemon sent of a path: one file, or those of a folder by their paths in it.
struct SentFiles {
  const protocol::Blob* file = nullptr;
  std::map<std::string, const protocol::Blob*> folder;
  bool none() const { return !file && folder.empty(); }
};

/// Of what the template `at` names.
Failure refused_artifact(const std::string& at, const LocalArtifact&, const std::string& why,
                         const std::string& hint);

/// From one document's template to those nested in it.
class TemplateWalk {
 public:
  TemplateWalk(const std::vector<protocol::DocumentBlob>& blobs, protocol::BlobReader& reader)
      : blobs_(blobs), reader_(reader) {}

  std::string read(const protocol::Blob& blob) { return reader_.read(blob, kLargestTemplate); }
  SentFiles find(const std::string& path) const;

  /// Written with a mark of how deep the template is that names it: files of one depth are asked for
  /// together, and a folder of which one file was sent for another's sake is not taken for sent.
  std::string need_of(const std::string& path) const;

  /// Does the work of the template at `path`, which `by` names in `from`. Throws Failure (input) where it is
  /// in itself.
  template <class Work>
  void enter(const std::string& path, const LocalArtifact* by, const std::string& from, const Work& work) {
    check(path, by, from);
    way_.push_back(path);
    work();
    way_.pop_back();
  }

 private:
  void check(const std::string& path, const LocalArtifact* by, const std::string& from) const;

  const std::vector<protocol::DocumentBlob>& blobs_;
  protocol::BlobReader& reader_;
  std::vector<std::string> way_;
};

}  // namespace gitopsd::aws
