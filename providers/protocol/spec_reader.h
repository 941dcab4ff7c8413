// Reads the members of one mapping of a document of a provider's own kinds: every wrong or unknown one
// becomes a problem with its pointer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "providers/protocol/messages.h"

namespace gitopsd::protocol {

class SpecReader {
 public:
  /// `value` may be nullptr (missing) or of a wrong type: both are a problem, and nothing is found then.
  SpecReader(const Value* value, std::string pointer, const std::string& document,
             std::vector<WireProblem>& problems);

  /// A problem for every member that is not among these.
  void allow(const std::vector<std::string>& known);
  std::optional<std::string> text(const std::string& key);
  std::optional<std::string> needed_text(const std::string& key);
  bool flag(const std::string& key, bool fallback);
  /// A list of texts that are not empty, and a problem for every other item; `what` they are: "stacks'
  /// names".
  std::vector<std::string> texts(const std::string& key, const std::string& what);
  bool has(const std::string& key) const { return value_ && value_->find(key); }
  const Value* member(const std::string& key) const { return value_ ? value_->find(key) : nullptr; }
  void problem(const std::string& key, std::string message, std::string hint = {});

 private:
  const Value* value_;
  std::string pointer_;
  const std::string& document_;
  std::vector<WireProblem>& problems_;
};

/// What a document of a provider's own kinds says of itself: its annotations `gitopsd.io/prune`, `/drift` and
/// `/apply`, over the application's `defaults` of the same names.
Options read_options(SpecReader& metadata, const Value& defaults, const std::string& document,
                     std::vector<WireProblem>& problems);

}  // namespace gitopsd::protocol
