// The one YAML reader: configuration and every document of a repository pass through it.
//
// Built on yaml-cpp's event parser, never on YAML::Node (which keeps the first of duplicate keys, leaves `<<`
// unmerged, accepts recursive aliases and takes 80 times the memory). Scalars are typed as kubectl types them
// (YAML 1.1 as go-yaml v2 reads it: `yes`, `0o17`, `1_000`, merge keys), but a duplicate key is an error.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace gitopsd {

struct YamlLimits {
  std::size_t bytes = 4u << 20;       ///< of the input
  std::size_t nodes = 1'000'000;      ///< after alias expansion
  std::size_t alias_nodes = 100'000;  ///< that aliases may add; a "billion laughs" ends here
  int depth = 128;
};

struct YamlNotes {
  /// Something in it is one thing here and to kubectl, and another to tools that read YAML 1.2, kustomize
  /// among them: `yes`, a date, a key that is no text, a tag, nothing at all in a `{}` or `[]`, a `<<` that
  /// overwrites or is quoted, a folded text with indented lines, characters that go-yaml refuses.
  bool read_otherwise = false;
  /// Where something is wrong: the documents before that.
  std::vector<Value> before{};
};

/// Every non-empty document of a stream, each node with its position (columns in bytes). Throws Failure
/// (cause input) that names `file`, line and column: bad UTF-8, duplicate keys, unknown or recursive aliases,
/// limits, syntax.
std::vector<Value> parse_yaml(std::string_view text, std::string_view file, const YamlLimits& limits = {},
                              YamlNotes* notes = nullptr);

}  // namespace gitopsd
