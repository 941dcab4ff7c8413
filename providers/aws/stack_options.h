// What a declaration says of a stack beside its template, its parameters and its tags.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/value.h"
#include "providers/protocol/messages.h"
#include "providers/protocol/spec_reader.h"

namespace gitopsd::aws {

/// A file of the repository: its path as `needs` names it, and its bytes once the daemon has sent them.
struct RepositoryFile {
  std::string path;
  std::optional<protocol::Blob> blob{};
};

struct StackOptions {
  std::optional<bool> protection;                         ///< against deletion; nullopt: as it is
  std::optional<bool> detects_drift;                      ///< nullopt: as the policy says
  std::optional<std::vector<std::string>> notifications;  ///< ARNs of topics; nullopt: as they are
  std::string on_failure;                                 ///< in CreateChangeSet's word; empty: ROLLBACK
  bool imports = false;                                   ///< resources that exist by their declared name
  bool shows_nested = true;                               ///< change sets of nested stacks are made, too
  /// Resources, by logical id, that may be replaced or deleted though they hold data.
  std::vector<std::string> may_replace, may_delete;
  std::vector<std::string> skip_in_rollback;  ///< resources that a continued rollback leaves as they are
  std::optional<RepositoryFile> policy_file;  ///< the stack policy; or:
  std::string policy;                         ///< itself, as JSON
  bool has_policy() const { return policy_file || !policy.empty(); }
};

/// Of SetStackPolicy's StackPolicyBody.
inline constexpr std::size_t kLargestStackPolicy = 16'384;

/// The members of `spec` that it reads; each of them has a problem where it is wrong.
const std::vector<std::string>& option_names();
StackOptions read_stack_options(protocol::SpecReader& spec, const protocol::Document&,
                                std::vector<protocol::WireProblem>& problems);
/// Their JSON Schema, into that of `spec`.
void add_option_schemas(Value& properties);

/// The file of the repository that the member names; nullopt, and a problem, where it names none.
/// `from_root`: the path begins there without a slash, too.
std::optional<RepositoryFile> read_file_member(protocol::SpecReader&, const std::string& key,
                                               const protocol::Document&, bool from_root = false);

}  // namespace gitopsd::aws
