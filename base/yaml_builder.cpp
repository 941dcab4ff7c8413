#include "base/yaml_builder.h"

#include <yaml-cpp/mark.h>

#include <algorithm>

#include "base/utf8.h"
#include "base/yaml_scalar.h"

namespace gitopsd {
namespace {

/// yaml-cpp writes the escapes `\N` and `\_` as one byte each, where UTF-8 has two.
std::string mend_escapes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_size(text, at);
    if (size == 0) out += '\xc2';
    const std::size_t taken = std::max<std::size_t>(size, 1);
    out += text.substr(at, taken);
    at += taken;
  }
  return out;
}

bool has_control_character(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = [&](std::size_t i) {
      return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    if (byte(at) == 0x7f) return true;
    if (byte(at) == 0xc2 && byte(at + 1) < 0xa0 && byte(at + 1) != 0x85) return true;
    if (byte(at) == 0xef && byte(at + 1) == 0xbf && byte(at + 2) >= 0xbe) return true;
  }
  return false;
}

/// With `\/` in it, which only JSON has, or empty lines before its end.
bool is_quoted_otherwise(std::string_view file, std::size_t at) {
  const char quote = file[at];
  int line_ends = 0;  // since the last character that is to be seen
  for (++at; at < file.size(); ++at) {
    const char c = file[at];
    if (c == quote && !(quote == '\'' && file.substr(at + 1).starts_with('\''))) break;
    if (c == '\n') ++line_ends;
    if (c != '\n' && c != ' ' && c != '\t') line_ends = 0;
    if (c == quote) ++at;
    if (c == '\\' && quote == '"' && ++at < file.size() && file[at] == '/') return true;
  }
  return line_ends > 1;
}

/// A text in quotes or a block, which starts at `at` in the file: go-yaml reads some others than yaml-cpp.
bool is_written_otherwise(std::string_view file, std::size_t at, std::string_view text) {
  if (has_control_character(text)) return true;
  if (at >= file.size()) return false;
  const char first = file[at];
  const std::string_view header = file.substr(at, file.find('\n', at) - at);
  const auto start = text.find_first_not_of('\n');
  if ((first == '|' || first == '>') && start != text.npos && text[start] == '\t') return true;
  if (first == '>')
    return header.find('+') != header.npos || text.starts_with(' ') || text.find("\n ") != text.npos ||
           text.find("\n\t") != text.npos;
  return (first == '"' || first == '\'') && is_quoted_otherwise(file, at);
}

}  // namespace

Value YamlBuilder::take() {
  // yaml-cpp takes the end of the text for the closing quote; a file that was cut off must not pass.
  if (has_open_quote(part_.text, last_scalar_)) {
    const auto before = part_.text.substr(0, last_scalar_);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto lines = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    refuse({part_.first_line + lines, static_cast<int>(last_scalar_ - line_start) + 1},
           "a quoted string that does not end", "close it with the quote that it starts with");
  }
  return std::move(result_);
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  // yaml-cpp takes `[a,,b]` for three items; YAML does not have the one in the middle.
  const auto offset = static_cast<std::size_t>(mark.pos);
  if (!stack_.empty() && stack_.back().flow_sequence && offset < part_.text.size()) {
    const char c = part_.text[offset];
    if (c == ',' || c == ']') refuse(at(mark), "nothing stands between two commas", "write null or \"\"");
  }
  const bool written = offset < part_.text.size() &&
                       std::string_view("~nN").find(part_.text[offset]) != std::string_view::npos;
  if (!stack_.empty() && stack_.back().flow && !written) use_.notes.read_otherwise = true;
  Value value;
  value.position = at(mark);
  scalar(std::move(value), anchor, false);
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& text) {
  if (!is_utf8(text)) return OnScalar(mark, tag, anchor, mend_escapes(text));
  last_scalar_ = static_cast<std::size_t>(mark.pos);
  const bool key = wants_key(), merge_key = key && tag == "?" && text == "<<";
  Value value;
  try {
    value = merge_key ? Value(text) : key ? resolve_yaml_key(tag, text) : resolve_yaml_scalar(tag, text);
  } catch (const Failure& failure) {
    refuse(at(mark), failure.problems()[0].message, failure.problems()[0].hint);
  }
  if (!merge_key) note(tag, text, value, key);
  value.position = at(mark);
  scalar(std::move(value), anchor, merge_key);
}

void YamlBuilder::note(std::string_view tag, std::string_view text, const Value& value, bool key) {
  const auto all_digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  const bool plain = tag == "?";
  const bool old_word = value.is_bool() && std::string_view("tTfF").find(text[0]) == std::string_view::npos;
  const bool date = text.size() > 4 && text[4] == '-' && all_digits(text.substr(0, 4));
  const bool tagged = !plain && tag != "!";
  const bool quoted_merge = key && text == "<<";
  if (tagged || quoted_merge || (plain && (old_word || date)) || (key && !value.is_string()) ||
      (!plain && is_written_otherwise(part_.text, last_scalar_, text)))
    use_.notes.read_otherwise = true;
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (anchor >= anchors_.size() || !anchors_[anchor])
    refuse(at(mark), "an alias inside the node that it names");
  const Anchored& named = *anchors_[anchor];
  use_.alias_nodes += named.nodes;
  if (use_.alias_nodes > limits_.alias_nodes) {
    refuse(at(mark),
           "excessive aliasing: aliases add more than " + std::to_string(limits_.alias_nodes) + " nodes");
  }
  count(named.nodes, at(mark));
  if (static_cast<int>(stack_.size()) + named.height > limits_.depth)
    refuse(at(mark), "nested deeper than " + std::to_string(limits_.depth));
  if (wants_key() && named.height > 0) refuse_collection_key(at(mark));
  add(named.value, false, named.height);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value style) {
  Value value = Value::array();
  value.position = at(mark);
  open(std::move(value), anchor, style);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value style) {
  Value value = Value::object();
  value.position = at(mark);
  open(std::move(value), anchor, style);
}

/// yaml-cpp counts lines and columns from 0, columns in bytes.
Position YamlBuilder::at(const YAML::Mark& mark) const {
  return {part_.first_line + mark.line, mark.column + 1};
}

void YamlBuilder::refuse(Position at, std::string message, std::string hint) const {
  refuse_yaml(file_, at, std::move(message), std::move(hint));
}

void YamlBuilder::refuse_collection_key(Position at) const {
  refuse(at, "a mapping key that is a collection", "keys are texts");
}

bool YamlBuilder::wants_key() const {
  return !stack_.empty() && stack_.back().value.is_object() && !stack_.back().slot && !stack_.back().merging;
}

void YamlBuilder::count(std::size_t nodes, Position at) {
  use_.nodes += nodes;
  if (use_.nodes > limits_.nodes)
    refuse(at, "more than " + std::to_string(limits_.nodes) + " nodes", "split the file");
}

/// A copy, so its nodes count too: anchors within anchors would keep a copy of the same node for each of
/// them.
void YamlBuilder::remember(YAML::anchor_t anchor, const Value& value, std::size_t nodes, int height) {
  if (anchor == 0) return;
  use_.anchor_nodes += nodes;
  if (use_.anchor_nodes > limits_.nodes)
    refuse(value.position, "anchors name more than " + std::to_string(limits_.nodes) + " nodes");
  if (anchor >= anchors_.size()) anchors_.resize(anchor + 1);
  anchors_[anchor] = Anchored{value, nodes, height};
}

void YamlBuilder::scalar(Value value, YAML::anchor_t anchor, bool merge_key) {
  count(1, value.position);
  remember(anchor, value, 1, 0);
  add(std::move(value), merge_key, 0);
}

void YamlBuilder::open(Value value, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
  count(1, value.position);
  if (static_cast<int>(stack_.size()) >= limits_.depth)
    refuse(value.position, "nested deeper than " + std::to_string(limits_.depth));
  if (wants_key()) refuse_collection_key(value.position);
  Frame frame;
  frame.value = std::move(value);
  frame.anchor = anchor;
  frame.nodes_before = use_.nodes - 1;
  frame.flow = style == YAML::EmitterStyle::Flow;
  frame.flow_sequence = frame.flow && frame.value.is_array();
  stack_.push_back(std::move(frame));
}

void YamlBuilder::close() {
  Frame done = std::move(stack_.back());
  stack_.pop_back();
  remember(done.anchor, done.value, use_.nodes - done.nodes_before, done.height);
  add(std::move(done.value), false, done.height);
}

void YamlBuilder::add(Value value, bool merge_key, int height) {
  if (stack_.empty()) {
    result_ = std::move(value);
    return;
  }
  Frame& frame = stack_.back();
  frame.height = std::max(frame.height, height + 1);
  if (frame.value.is_array()) {
    frame.value.push(std::move(value));
  } else if (frame.merging) {
    const Position where = value.position;
    merge(frame, value, where);
    frame.merging = false;
  } else if (frame.slot) {
    *frame.slot = std::move(value);
    frame.slot = nullptr;
  } else {
    take_key(frame, value, merge_key);
  }
}

void YamlBuilder::take_key(Frame& frame, const Value& key, bool merge_key) {
  if (merge_key) {
    frame.merging = true;
    return;
  }
  auto text = yaml_key_text(key);
  if (!text) refuse(key.position, "a mapping key that is null", "quote it if a text is meant");
  auto [member, fresh] = frame.value.as_object().try_emplace(*text);
  if (!fresh && frame.merged.erase(*text) == 0) {
    refuse(key.position, "the key \"" + text->substr(0, 100) + "\" stands twice in this mapping",
           "remove one of the two");
  }
  frame.slot = &member->second;  // a map's members stay where they are while the map is moved
}

/// go-yaml merges where `<<` stands: what it brings overwrites keys above it, keys below overwrite it; of
/// several mappings in a list the first wins.
void YamlBuilder::merge(Frame& frame, const Value& value, Position where) {
  auto& members = frame.value.as_object();
  const auto merge_one = [&](const Value& mapping) {
    if (!mapping.is_object()) refuse(where, "`<<` wants a mapping or a list of mappings");
    for (const auto& [key, member] : mapping.as_object()) {
      const auto [it, fresh] = members.insert_or_assign(key, member);
      if (fresh)
        frame.merged.insert(it->first);
      else
        use_.notes.read_otherwise = true;
    }
  };
  if (!value.is_array()) return merge_one(value);
  for (auto it = value.as_array().rbegin(); it != value.as_array().rend(); ++it) merge_one(*it);
}

}  // namespace gitopsd
