// All that an application's path declares, read or built anew; and how several manifests are read at once.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/render/external.h"

namespace gitopsd::render {

/// What is wrong with some documents, where the others are taken all the same.
struct LeftOut {
  std::vector<Problem> problems;
  std::set<std::string> paths;            ///< of the manifests that they stand in
  std::map<ResourceId, std::string> ids;  ///< that they declare, as far as that is known, and where
  std::set<std::string> unknown{};        ///< of `paths` those with something of which that is not known
  std::vector<Document> readable{};  ///< of those that are not applied for something else in their file, or
                                     ///< for their variables: what they declare can be asked for
  std::int64_t count = 0;            ///< of the documents, and of the files that cannot be read
};

/// The documents of manifests, in their order. Throws Failure with every problem of every one of them, unless
/// there is `left_out` to take those.
std::vector<Document> read_manifests(const source::Snapshot&, const std::vector<source::TreeEntry>&,
                                     LeftOut* left_out = nullptr);
/// Those that a plain kustomization lists; nullopt where kustomize has to read them.
std::optional<std::vector<Document>> read_listed_manifests(const source::Snapshot&,
                                                           const std::vector<source::TreeEntry>&);
/// Replaces the variables in all documents. Throws Failure with every problem, unless there is `left_out` to
/// take those, and the documents that have one.
void substitute_all(const source::Snapshot&, const std::map<std::string, std::string>& variables,
                    std::vector<Document>&, LeftOut* left_out = nullptr);

/// What the first sync of an application reads, by whatever its path holds, with variables replaced.
/// `context` is the destination's. Throws Failure, unless there is `wrong` to take what is so of some
/// documents or files; the others are returned then.
std::vector<Document> read_path(const External&, const source::Snapshot&, const config::Application&,
                                const Value& context, std::vector<Problem>* wrong = nullptr);

}  // namespace gitopsd::render
