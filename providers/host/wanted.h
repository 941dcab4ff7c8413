// What a document asks for, read strictly.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "providers/protocol/messages.h"

namespace gitopsd::host {

enum class Type { absent, file, directory, symlink, other };
/// "absent", "file", "directory", "symlink" or "special file".
std::string_view to_string(Type);

inline constexpr std::string_view kApiVersion = "host.gitopsd.io/v1";

struct Wanted {
  std::string document;  ///< digest
  std::string kind, name;
  Type type = Type::file;
  std::string path;
  mode_t mode = 0;
  std::string owner, group;            ///< as written; empty: the provider's own
  std::string content;                 ///< inline bytes of a File
  std::string source;                  ///< path in the repository whose bytes a File has instead
  std::optional<protocol::Blob> blob;  ///< of `source`, once the daemon has found it
  std::string target;                  ///< of a Symlink
  bool sensitive = false;              ///< content appears in no diff
  protocol::Options options;
};

/// Reads one document; nullopt when it has problems, which are added. `defaults` gives options where the
/// document is silent.
std::optional<Wanted> read_document(const protocol::Document& document, const Value& defaults,
                                    std::vector<protocol::WireProblem>& problems);

/// The kinds' JSON Schemas (draft 7), as `initialize` answers them.
Value kind_schemas();

}  // namespace gitopsd::host
