// What forges' push payloads have in common. A field of the wrong type makes the whole delivery malformed.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "handlers/handler.h"
#include "handlers/payload.h"

namespace gitopsd::handlers {

/// Reads fields of one payload; after the first problem, further answers mean nothing.
class PushReader {
 public:
  /// The text of a member that must be there, at most 4096 bytes.
  std::string_view text(const Node& object, std::string_view key);
  /// The same for one that may be missing or null.
  std::string_view optional_text(const Node& object, std::string_view key);
  /// A member that must be an object.
  Node object(const Node& parent, std::string_view key);
  /// A member that may be missing or null, else must be an object.
  Node optional_object(const Node& parent, std::string_view key);
  /// A member that must be an array of objects.
  std::vector<Node> objects(const Node& parent, std::string_view key);
  /// ref, before and after, which each forge has under these names.
  PushEvent change(const Node& object, std::string_view actor);
  /// What `repository` is called under the first of `keys` (which must be there), and its URLs under the
  /// others.
  RepositoryClaim claim(const Node& repository, std::span<const std::string_view> keys);

  /// What is wrong first, or empty.
  const std::string& problem() const { return problem_; }
  void refuse(std::string problem);

 private:
  std::string_view text_of(const Node& node, std::string_view key);
  std::string_view optional_text_of(const Node& node, std::string_view key);
  CommitId commit(const Node& object, std::string_view key, bool& zero);
  std::string problem_;
};

/// Control characters replaced, cut to 256 bytes at a character's end.
std::string printable_actor(std::string_view name);

}  // namespace gitopsd::handlers
