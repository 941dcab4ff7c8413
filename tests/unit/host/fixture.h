// A host provider's state over a folder of its own, and short ways to say documents and calls.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "providers/host/verbs.h"
#include "providers/host/watch.h"

namespace gitopsd::host::test {

/// Gives blobs by digest, out of memory.
class MemoryBlobs : public protocol::BlobReader {
 public:
  protocol::Blob add(std::string bytes);
  void copy(const protocol::Blob&, const Sink& sink) override;
  std::map<std::string, std::string> bytes;
};

class Fixture {
 public:
  Fixture();
  ~Fixture();

  /// `name` beneath the allowed folder.
  std::string at(const std::string& name) const { return root + "/" + name; }
  void restart();

  protocol::Document file(const std::string& name, const std::string& content, Value more = Value::object());
  protocol::Document directory(const std::string& name, Value more = Value::object());
  protocol::Document symlink(const std::string& name, const std::string& target);
  protocol::Document document(const std::string& kind, Value spec);

  protocol::ResolveResult resolve(const std::vector<protocol::Document>& documents);
  /// Plans everything in `documents`, and the removal of what `remove` names.
  protocol::PlanResult plan(const std::vector<protocol::Document>& documents,
                            std::vector<std::string> remove = {},
                            protocol::PlanMode mode = protocol::PlanMode::changed);
  protocol::ApplyResult apply(const protocol::PlanResult& plan,
                              const std::vector<protocol::Document>& documents);
  /// plan and apply, which must succeed.
  void sync(const std::vector<protocol::Document>& documents, std::vector<std::string> remove = {});
  protocol::Observation observe(const std::string& name, bool full = false);

  std::string root, state_directory;
  std::unique_ptr<State> state;
  protocol::Owner owner{"installation", "app"};
  std::string from;  ///< the application that handed over all that is asked about
  Value policy;
  Value defaults;
  MemoryBlobs blobs;
  std::vector<protocol::Progress> progress;
  std::map<std::string, protocol::Resource> resources;  // by digest
  std::function<void(const std::string&)> before_check;
  std::function<bool()> cancelled = [] { return false; };

 private:
  std::string base_;
};

// The host, seen and changed directly.
std::string contents(const std::string& path);
void write(const std::string& path, const std::string& bytes);
/// Permission bits, or -1 where nothing is.
int mode_of(const std::string& path);
bool exists(const std::string& path);
/// Names in a folder, sorted.
std::vector<std::string> names(const std::string& path);
/// Polls until true or ten seconds have passed.
bool eventually(const std::function<bool()>& condition);

}  // namespace gitopsd::host::test
