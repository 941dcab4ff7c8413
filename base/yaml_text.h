// A YAML stream before it is parsed: which bytes are let in, and where one document ends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"

namespace gitopsd {

/// One document's text; `first_line` is the number that its first line has in the file.
struct YamlPart {
  std::string_view text;
  int first_line = 1;
};

[[noreturn]] void refuse_yaml(std::string_view file, Position at, std::string message, std::string hint = {});

/// The text without its BOM and with line feeds only, either `text` itself or kept in `storage`. Refuses what
/// is not UTF-8, control characters, and the line ends that only YAML 1.1 knows (YAML 1.2.2, section 5.1).
std::string_view clean_yaml(std::string_view text, std::string& storage, std::string_view file);

/// Splits at the lines that start with `---`, as kubectl does before it parses; what follows `...` is
/// dropped. Refuses text on the separator's line, and directives.
std::vector<YamlPart> split_yaml(std::string_view text, std::string_view file);

/// Whether the scalar that starts at `at`, perhaps with an anchor and a tag before it, is quoted and never
/// closed.
bool has_open_quote(std::string_view text, std::size_t at);

}  // namespace gitopsd
