#include "base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <map>
#include <optional>
#include <set>
#include <streambuf>

#include "base/yaml_scalar.h"

namespace gitopsd {
namespace {

struct Text {
  std::string_view bytes;
  int first_line = 1;
};

class Reader {
 public:
  Reader(std::string_view file, const YamlLimits& limits) : file_(file), limits_(limits) {}

  [[noreturn]] void refuse(std::string message, Position at, std::string hint = {}) const {
    throw Failure(Problem{ProblemCause::input, std::move(message), std::move(hint), std::string(file_), at});
  }

  void count_node(Position at) {
    if (++nodes_ > limits_.nodes)
      refuse("more than " + std::to_string(limits_.nodes) + " nodes", at, "split the file");
  }
  void count_alias(std::size_t nodes, Position at) {
    alias_nodes_ += nodes;
    nodes_ += nodes;
    if (alias_nodes_ > limits_.alias_nodes || nodes_ > limits_.nodes) {
      refuse("excessive aliasing: aliases add more than " + std::to_string(limits_.alias_nodes) + " nodes",
             at);
    }
  }
  const YamlLimits& limits() const { return limits_; }

 private:
  std::string_view file_;
  const YamlLimits limits_;
  std::size_t nodes_ = 0, alias_nodes_ = 0;
};

std::size_t count_nodes(const Value& v) {
  std::size_t n = 1;
  if (v.is_array()) {
    for (const auto& i : v.as_array()) n += count_nodes(i);
  } else if (v.is_object()) {
    for (const auto& [k, m] : v.as_object()) n += count_nodes(m);
  }
  return n;
}

/// Builds one document's value from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(Reader& reader, const Text& text)
      : reader_(reader), text_(text.bytes), first_line_(text.first_line) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // yaml-cpp takes `[a,,b]` for three items; YAML does not have the one in the middle.
    if (!stack_.empty() && stack_.back().flow_sequence) {
      const char c = byte_at(mark);
      if (c == ',' || c == ']')
        reader_.refuse("nothing stands between two commas", at(mark), "write null or \"\"");
    }
    scalar(Value(), mark, anchor, false);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const bool merge = tag == "?" && text == "<<";
    const bool key = !stack_.empty() && stack_.back().value.is_object() && !stack_.back().key;
    if (tag == "!") refuse_open_quote(mark);
    Value v;
    try {
      v = merge ? Value(text) : key ? resolve_yaml_key(tag, text) : resolve_yaml_scalar(tag, text);
    } catch (const Failure& failure) {
      reader_.refuse(failure.problems()[0].message, at(mark), failure.problems()[0].hint);
    }
    scalar(std::move(v), mark, anchor, merge);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) reader_.refuse("an alias inside the node that it names", at(mark));
    reader_.count_alias(count_nodes(it->second), at(mark));
    add(it->second, at(mark), false);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Value::array(), mark, anchor);
    stack_.back().flow_sequence = style == YAML::EmitterStyle::Flow;
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Value::object(), mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  Value take() { return std::move(result_); }

 private:
  struct Frame {
    Value value;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key;  ///< of a mapping, waiting for its value
    bool merge = false;              ///< that key is `<<`
    bool flow_sequence = false;
    std::set<std::string> own;  ///< keys written here, not merged in
  };

  Position at(const YAML::Mark& mark) const { return {mark.line + first_line_, mark.column + 1}; }

  /// The text at a mark; yaml-cpp's lines and columns count from 0, columns in bytes.
  std::size_t offset(const YAML::Mark& mark) {
    if (lines_.empty()) {
      lines_.push_back(0);
      for (std::size_t i = 0; i < text_.size(); ++i) {
        if (text_[i] == '\n') lines_.push_back(i + 1);
      }
    }
    const auto line = static_cast<std::size_t>(mark.line);
    return line < lines_.size() ? lines_[line] + static_cast<std::size_t>(mark.column) : text_.size();
  }
  char byte_at(const YAML::Mark& mark) {
    const std::size_t i = offset(mark);
    return i < text_.size() ? text_[i] : '\0';
  }

  /// yaml-cpp takes the end of the text for the closing quote: a file that was cut off must not pass.
  void refuse_open_quote(const YAML::Mark& mark) {
    const std::size_t start = offset(mark);
    if (start >= text_.size()) return;
    const char quote = text_[start];
    if (quote != '"' && quote != '\'') return;
    for (std::size_t i = start + 1; i < text_.size(); ++i) {
      if (quote == '"' && text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        return;
      }
    }
    reader_.refuse("a quoted string that does not end", at(mark), std::string("close it with ") + quote);
  }

  void scalar(Value v, const YAML::Mark& mark, YAML::anchor_t anchor, bool merge) {
    reader_.count_node(at(mark));
    v.position = at(mark);
    if (anchor) anchors_[anchor] = v;
    add(std::move(v), at(mark), merge);
  }

  void open(Value v, const YAML::Mark& mark, YAML::anchor_t anchor) {
    reader_.count_node(at(mark));
    if (stack_.size() >= static_cast<std::size_t>(reader_.limits().depth)) {
      reader_.refuse("nested deeper than " + std::to_string(reader_.limits().depth), at(mark));
    }
    v.position = at(mark);
    stack_.push_back({std::move(v), anchor, {}, false, false, {}});
  }

  void close() {
    Frame done = std::move(stack_.back());
    stack_.pop_back();
    if (done.anchor) anchors_[done.anchor] = done.value;
    const Position where = done.value.position;
    add(std::move(done.value), where, false);
  }

  void add(Value v, Position where, bool merge) {
    if (stack_.empty()) {
      result_ = std::move(v);
      return;
    }
    Frame& top = stack_.back();
    if (top.value.is_array()) {
      top.value.push(std::move(v));
    } else if (!top.key) {
      take_key(top, v, where, merge);
    } else if (top.merge) {
      merge_into(top, v, where);
      top.key.reset();
    } else {
      top.value.set(std::move(*top.key), std::move(v));
      top.key.reset();
    }
  }

  void take_key(Frame& top, const Value& v, Position where, bool merge) {
    if (v.is_array() || v.is_object()) reader_.refuse("a mapping key that is a collection", where);
    auto text = yaml_key_text(v);
    if (!text) reader_.refuse("a mapping key that is null", where, "quote it if a string is meant");
    top.merge = merge;
    if (!merge && !top.own.insert(*text).second) {
      reader_.refuse("the key \"" + text->substr(0, 100) + "\" stands twice in this mapping", where,
                     "remove one of the two");
    }
    top.key = std::move(text);
  }

  /// go-yaml merges where `<<` stands: what it brings overwrites keys above it, keys below overwrite it; of
  /// several mappings in a list the first wins.
  void merge_into(Frame& top, const Value& v, Position where) {
    const auto merge_one = [&](const Value& map) {
      if (!map.is_object()) reader_.refuse("`<<` wants a mapping or a list of mappings", where);
      for (const auto& [key, member] : map.as_object()) top.value.set(key, member);
    };
    if (!v.is_array()) return merge_one(v);
    for (auto it = v.as_array().rbegin(); it != v.as_array().rend(); ++it) merge_one(*it);
  }

  Reader& reader_;
  const std::string_view text_;
  const int first_line_;
  std::vector<std::size_t> lines_;  ///< where each line of the text starts; filled when first asked for
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Value> anchors_;
  Value result_;
};

/// Bytes of a YAML stream: UTF-8 without control characters (YAML 1.2, 5.1). Returns the text without its
/// BOM.
std::string_view check_bytes(const Reader& reader, std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    reader.refuse("the file is UTF-16", {1, 1}, "save it as UTF-8");
  }
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const Position here{line, static_cast<int>(i - line_start) + 1};
    if (byte < 0x80) {
      if (byte == '\n') {
        ++line;
        line_start = i + 1;
      } else if ((byte < 0x20 && byte != '\t' && byte != '\r') || byte == 0x7f) {
        reader.refuse("a control character (byte " + std::to_string(byte) + ")", here,
                      "write it escaped in double quotes");
      }
      ++i;
      continue;
    }
    const int extra = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    std::uint32_t code = byte & (0x3f >> extra);
    bool ok = byte >= 0xc2 && byte <= 0xf4 && i + static_cast<std::size_t>(extra) < text.size();
    for (int k = 1; ok && k <= extra; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      ok = (next & 0xc0) == 0x80;
      code = code << 6 | (next & 0x3f);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (!ok || code < kSmallest[extra] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      reader.refuse("bytes that are not UTF-8", here, "save the file as UTF-8");
    }
    if ((code >= 0x80 && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfffe ||
        code == 0xffff) {
      reader.refuse("a control character or line separator (code point " + std::to_string(code) + ")", here,
                    "write it escaped in double quotes");
    }
    i += static_cast<std::size_t>(extra) + 1;
  }
  return text;
}

bool blank_after_marker(std::string_view line) {
  const std::string_view rest = line.substr(3);
  const std::size_t at = rest.find_first_not_of(" \t\r");
  return at == std::string_view::npos || (rest[at] == '#' && at > 0);
}

/// Splits at lines that start with `---`, as kubectl does before it parses; what follows `...` is dropped.
std::vector<Text> split_documents(const Reader& reader, std::string_view text) {
  std::vector<Text> parts;
  Text current{text.substr(0, 0), 1};
  std::size_t start = 0, at = 0;
  int line = 1;
  bool dropping = false;
  const auto finish = [&](std::size_t end) {
    if (!dropping) current.bytes = text.substr(start, end - start);
    parts.push_back(current);
  };
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view here = text.substr(at, end - at);
    if (here.starts_with("---")) {
      if (!blank_after_marker(here)) {
        if (here.size() > 3 && here[3] != ' ' && here[3] != '\t') {
          reader.refuse("a line that starts with --- and goes on", {line, 1},
                        "a document separator stands alone on its line");
        }
        reader.refuse("text after the document separator", {line, 5}, "put it on the next line");
      }
      finish(at);
      start = std::min(end + 1, text.size());
      current = {text.substr(start, 0), line + 1};
      dropping = false;
    } else if (!dropping && here.starts_with("...") &&
               (here.size() == 3 || here[3] == ' ' || here[3] == '\r')) {
      current.bytes = text.substr(start, at - start);
      dropping = true;
    } else if (here.starts_with("%") &&
               text.substr(start, at - start).find_first_not_of(" \t\r\n") == std::string_view::npos) {
      reader.refuse("a YAML directive", {line, 1}, "remove it: documents are read as YAML 1.1");
    }
    at = end + 1;
    ++line;
  }
  finish(text.size());
  return parts;
}

/// yaml-cpp reads from a stream; this one reads from memory in place.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view v) {
    char* p = const_cast<char*>(v.data());  // get area only: nothing writes through it
    setg(p, p, p + v.size());
  }
};

/// One document; a file that starts with `{` may hold several JSON objects after each other, as kubectl takes
/// them.
void parse_document(Reader& reader, const Text& text, std::vector<Value>& documents) {
  ViewBuffer buffer(text.bytes);
  std::istream in(&buffer);
  YAML::Parser parser(in);
  const std::size_t first = text.bytes.find_first_not_of(" \t\n");
  const bool json = first != std::string_view::npos && text.bytes[first] == '{';
  bool more = false;
  try {
    do {
      Builder builder(reader, text);
      if (!parser.HandleNextDocument(builder)) return;
      Value v = builder.take();
      if (more && !json)
        reader.refuse("text after the end of the document", v.position, "separate documents by ---");
      if (!v.is_null()) documents.push_back(std::move(v));
      more = true;
    } while (true);
  } catch (const YAML::Exception& e) {
    reader.refuse("invalid YAML: " + e.msg, {e.mark.line + text.first_line, e.mark.column + 1});
  }
}

}  // namespace

std::vector<Value> parse_yaml(std::string_view text, std::string_view file, const YamlLimits& limits) {
  Reader reader(file, limits);
  if (text.size() > limits.bytes) {
    reader.refuse("larger than " + std::to_string(limits.bytes) + " bytes", {}, "split the file");
  }
  std::string with_line_feeds;
  if (text.find('\r') != std::string_view::npos) {
    // A carriage return alone ends a line too (YAML 1.2, 5.4); yaml-cpp does not know that.
    with_line_feeds.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\r')
        with_line_feeds += text[i];
      else if (i + 1 == text.size() || text[i + 1] != '\n')
        with_line_feeds += '\n';
    }
    text = with_line_feeds;
  }
  text = check_bytes(reader, text);
  std::vector<Value> documents;
  for (const auto& part : split_documents(reader, text)) {
    parse_document(reader, part, documents);
  }
  return documents;
}

}  // namespace gitopsd
