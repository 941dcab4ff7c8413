// The provider's memory of one stack after an operation of ours. Travels as a receipt.
#pragma once

#include <map>
#include <optional>
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

/// A parameter's value that an output of another stack gave.
struct Taken {
  std::string stack, output;  ///< the stack by its place's text
  std::string digest;         ///< of the value
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
  std::map<std::string, Taken> taken{};  ///< by the parameter's name
  std::optional<Begun> begun{};          ///< until somebody has seen its end

  std::string text() const;
  static std::optional<Receipt> parse(const std::string& text);
};

/// Under the provider's key: a parameter may be a guessable secret.
class Digests {
 public:
  explicit Digests(Secret key) : key_(std::move(key)) {}
  std::string of_text(std::string_view text) const;  ///< a stack policy, an output
  /// The same for one that was sent and for what GetTemplate makes of it, which has a `?` for each character
  /// beyond ASCII. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
  std::string of_template(std::string_view text) const;
  std::string of_facts(const StackFacts&) const;

 private:
  const Secret key_;
};

}  // namespace gitopsd::aws
