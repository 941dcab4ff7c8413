// From a snapshot to documents: which files an application's path holds, read as YAML or JSON, each document
// with its canonical bytes, digest and positions. What kustomize and Helm make of a path: external.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "base/value.h"
#include "base/yaml.h"
#include "config/config.h"
#include "daemon/source/mirror.h"

namespace gitopsd::render {

inline constexpr std::string_view kRenderer = "directory";
inline constexpr int kRendererVersion = 3;  ///< part of the input key: raise it when output may change

/// What makes documents of an application's path.
enum class Renderer { directory, kustomize, helm };

struct Limits {
  std::size_t files = 100'000;
  std::size_t file_bytes = 4u << 20;
  std::size_t total_bytes = 256u << 20;
  std::size_t blob_bytes = 64u << 20;  ///< of a file that a document refers to
};

/// A document as it stands in the repository.
struct Document {
  std::string path;
  CommitId blob;
  int index = 0;  ///< in its file, from 0
  Value json;     ///< with positions
};

/// By what the application says, or else by what its path itself holds: a Chart.yaml, a kustomization, or
/// neither.
Renderer renderer_of(const source::Snapshot&, const config::Application&);

/// Whether a path below the application's path is a manifest of it, by its include and exclude globs. Without
/// include globs: *.yaml, *.yml and *.json at any depth, where no file or folder on the way is hidden
/// (`.name`).
bool is_manifest(const config::Application&, std::string_view path_below);
/// Whether a kustomization or chart at a path below the application's path is looked for at all: not behind a
/// hidden name, not where an exclude glob matches it, and never beside include globs, which say it all.
bool is_looked_for(const config::Application&, std::string_view path_below);
/// Matches the whole path: `*` within a path component, `**` across them (`**/` also for none), `?`, `[a-z]`,
/// `[!a-z]`, `\` before a character that is meant as it is. No pattern makes it slow.
bool glob_match(std::string_view pattern, std::string_view path);

/// Reads one manifest file; a `kind: List` becomes its items, a folder has no documents. Throws Failure with
/// every problem's commit, path, line and column: not UTF-8, no mapping, no `apiVersion` or `kind`, a
/// symbolic link, limits. `readable` then takes the documents that have none, as far as the file can be read.
std::vector<Document> read_manifest(const source::Snapshot&, const source::TreeEntry&, const Limits& = {},
                                    YamlNotes* = nullptr, std::vector<Document>* readable = nullptr);
/// The documents of values that were parsed already: those of `file`, as `place` names it in problems.
std::vector<Document> take_documents(std::vector<Value> values, const source::TreeEntry& file,
                                     const std::string& place, std::vector<Document>* readable = nullptr);

/// The manifests' tree entries of the application's path, in path order. Throws Failure (cause input) when
/// the path does not exist, is a symbolic link or no folder: never an empty list for an error.
std::vector<source::TreeEntry> manifests(const source::Snapshot&, const config::Application&,
                                         const Limits& = {});

/// The digest of a document: hex HMAC-SHA-256 under `key` over its canonical JSON and its blobs' digests.
std::string document_digest(std::string_view key, const Value& json,
                            const std::vector<std::pair<std::string, std::string>>& path_and_digest);

}  // namespace gitopsd::render
