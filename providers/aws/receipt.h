// The provider's memory of one stack after an operation of ours. Travels as a receipt.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/types.h"
#include "providers/aws/cloudformation.h"

namespace gitopsd::aws {

/// An operation of ours that was asked for. DescribeStacks is eventually consistent: the first looks after it
/// may still show the stack as it was before.
struct Begun {
  std::string token;   ///< of its events
  std::string before;  ///< StackFacts::updated until then; empty: it creates the stack
  WallMicros at = 0;
};

/// Outputs of other stacks, by their places' texts.
using OutputNames = std::map<std::string, std::set<std::string>>;
/// What such outputs are.
using OutputValues = std::map<std::string, Texts>;

/// Values of parameters that outputs of other stacks gave.
struct Taken {
  OutputNames outputs;
  std::string digest;  ///< of the values; empty: that is not known, or none is taken
};

struct Receipt {
  std::string stack;      ///< its id: another one when it was made anew
  std::string template_;  ///< digest of the template as it was sent
  // Of the stack when the operation had ended; empty until somebody has looked.
  std::string facts;    ///< digest of what else was declared: parameters, tags, role, topics
  std::string updated;  ///< while that is the same, nobody has updated it
  // Of what stands beside operations.
  std::string policy{};                  ///< digest of the stack policy that was set; empty: none was
  std::optional<bool> protection{};      ///< as declared and switched; nullopt: left alone
  std::optional<bool> detects{};         ///< drift of its resources, as declared; nullopt: as the policy says
  std::vector<std::string> requires_{};  ///< stacks that came first, which go last
  Taken taken{};
  std::optional<Begun> begun{};  ///< until somebody has seen its end

  /// No more than a receipt may be: of very many names of others none is kept.
  std::string text() const;
  static std::optional<Receipt> parse(const std::string& text);
};

/// Under the provider's key: a parameter may be a guessable secret.
class Digests {
 public:
  explicit Digests(Secret key) : key_(std::move(key)) {}
  std::string of_text(std::string_view text) const;  ///< a stack policy
  std::string of_outputs(const OutputValues&) const;
  /// The same for one that was sent and for what GetTemplate makes of it, which has a `?` for each character
  /// beyond ASCII. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
  std::string of_template(std::string_view text) const;
  std::string of_facts(const StackFacts&) const;

 private:
  const Secret key_;
};

}  // namespace gitopsd::aws
