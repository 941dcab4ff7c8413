// A template as YAML or JSON, each node with its place in the text, so that a part of it can be replaced and
// all the rest stays as it was written: short forms, comments, order.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gitopsd::aws {

struct TemplateNode {
  enum class Kind { scalar, sequence, mapping };
  Kind kind = Kind::scalar;
  std::string tag;                ///< "!Sub"; empty where none is written; "*" of an alias, "~" of a null
  std::string text;               ///< of a scalar
  std::size_t begin = 0;          ///< where it starts in the text that was read, with its anchor and tag
  int line = 0;                   ///< counted from 1
  std::vector<std::string> keys;  ///< of a mapping, one for each item
  std::vector<int> key_lines;     ///< of those, counted from 1
  std::vector<TemplateNode> items;

  /// The value of a mapping's key; nullptr where there is none.
  const TemplateNode* find(std::string_view key) const;
  /// A text that was written without any function: `tag` is empty.
  bool is_text() const { return kind == Kind::scalar && tag.empty(); }
};

/// The largest that CloudFormation takes, by way of S3.
inline constexpr std::size_t kLargestTemplate = 1'000'000;

/// nullopt: it is neither YAML nor JSON, and CloudFormation shall say so.
std::optional<TemplateNode> parse_template(std::string_view text);

/// Part of a template's text, and what comes in its place.
struct Replacement {
  const TemplateNode* node;  ///< a text on one line
  std::string text;
};
/// The text with all of them, which may stand in any order; every other byte is as it was. Throws Failure
/// (input) that names the line of what is not written on one.
std::string with_replacements(std::string_view text, const std::vector<Replacement>&);

}  // namespace gitopsd::aws
