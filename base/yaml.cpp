#include "base/yaml.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>

#include "base/yaml_builder.h"
#include "base/yaml_text.h"

namespace gitopsd {
namespace {

/// yaml-cpp reads from a stream; this one reads from memory in place.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view v) {
    char* p = const_cast<char*>(v.data());  // a get area only: nothing writes through it
    setg(p, p, p + v.size());
  }
};

/// The column of a tab before the first word of a line, which counts from 0; 0 where there is none.
int indenting_tab(std::string_view text, int line) {
  std::size_t start = 0;
  for (; line > 0 && start != text.npos; --line) {
    start = text.find('\n', start);
    if (start != text.npos) ++start;
  }
  if (start == text.npos || start >= text.size()) return 0;
  const auto word = text.find_first_not_of(" \t", start);
  if (word == text.npos || text[word] == '\n') return 0;
  const auto tab = text.substr(start, word - start).find('\t');
  return tab == text.npos ? 0 : static_cast<int>(tab) + 1;
}

/// One document; where it starts with `{` it may be several JSON objects after each other, as kubectl takes
/// them.
void parse_part(const YamlPart& part, std::string_view file, const YamlLimits& limits, YamlUse& use,
                std::vector<Value>& documents) {
  const std::size_t first = part.text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return;
  ViewBuffer buffer(part.text);
  std::istream in(&buffer);
  try {
    YAML::Parser parser(in);
    for (int n = 0;; ++n) {
      YamlBuilder builder(part, file, limits, use);
      if (!parser.HandleNextDocument(builder)) return;
      Value document = builder.take();
      if (n > 0 && part.text[first] != '{') {
        refuse_yaml(file, document.position, "text after the end of the document",
                    "separate documents by a line ---");
      }
      if (!document.is_null()) documents.push_back(std::move(document));
    }
  } catch (const YAML::Exception& e) {
    const int line = std::max(e.mark.line, 0);
    if (const auto tab = indenting_tab(part.text, line); tab > 0)
      refuse_yaml(file, {part.first_line + line, tab}, "invalid YAML: a tab indents this line",
                  "YAML takes spaces alone for that");
    refuse_yaml(file, {part.first_line + line, std::max(e.mark.column, 0) + 1}, "invalid YAML: " + e.msg);
  }
}

std::string_view line_of(std::string_view text, int number) {
  for (; number > 1 && !text.empty(); --number)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

/// What is no YAML since a tool wrote into it that has other plans with the file is told as that.
[[noreturn]] void refuse_with_reason(std::string_view text, const Failure& failure) {
  Problem problem = failure.problems().front();
  int number = 1;
  for (auto rest = text; !rest.empty(); ++number) {
    const auto end = std::min(rest.find('\n'), rest.size());
    for (const std::string_view marker : {"<<<<<<< ", ">>>>>>> "})
      if (rest.starts_with(marker))
        refuse_yaml(problem.file, {number, 1},
                    "a marker of a merge conflict, " + std::string(marker.substr(0, 7)),
                    "resolve the conflict");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (line_of(text, problem.position.line).find("{{") != std::string_view::npos)
    problem.hint =
        "this looks like a template: put text with {{ in quotes, or, where it belongs to a Helm chart, see "
        "that its Chart.yaml is read";
  throw Failure(std::move(problem));
}

}  // namespace

std::vector<Value> parse_yaml(std::string_view text, std::string_view file, const YamlLimits& limits,
                              YamlNotes* notes) {
  if (text.size() > limits.bytes)
    refuse_yaml(file, {}, "larger than " + std::to_string(limits.bytes) + " bytes", "split the file");
  std::string storage;
  text = clean_yaml(text, storage, file);
  YamlUse use;
  std::vector<Value> documents;
  try {
    for (const auto& part : split_yaml(text, file)) parse_part(part, file, limits, use, documents);
  } catch (const Failure& failure) {
    if (notes) notes->before = std::move(documents);
    refuse_with_reason(text, failure);
  }
  if (notes) *notes = use.notes;
  return documents;
}

}  // namespace gitopsd
