#include "providers/aws/template_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "base/problem.h"
#include "base/yaml_text.h"

namespace gitopsd::aws {
namespace {

constexpr std::size_t kDeepestTemplate = 128;

/// To be caught here: it is no template that we understand.
struct Unreadable {};

class TreeBuilder : public YAML::EventHandler {
 public:
  std::optional<TemplateNode> take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(node_at(mark, "~")); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { add(node_at(mark, "*")); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    auto node = node_at(mark, tag);
    node.text = text;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, TemplateNode::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, TemplateNode::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    TemplateNode node;
    bool key_taken = false;
  };

  static TemplateNode node_at(const YAML::Mark& mark, const std::string& tag) {
    TemplateNode node;
    node.tag = tag == "?" || tag == "!" ? "" : tag;  // how yaml-cpp says plain, and quoted
    node.begin = static_cast<std::size_t>(mark.pos);
    node.line = mark.line + 1;
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, TemplateNode::Kind kind) {
    if (stack_.size() >= kDeepestTemplate) throw Unreadable{};
    Frame frame{node_at(mark, tag)};
    frame.node.kind = kind;
    stack_.push_back(std::move(frame));
  }

  void close() {
    TemplateNode done = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(done));
  }

  void add(TemplateNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == TemplateNode::Kind::mapping && !std::exchange(frame.key_taken, !frame.key_taken)) {
      frame.node.keys.push_back(std::move(node.text));
      frame.node.key_lines.push_back(node.line);
      return;
    }
    frame.node.items.push_back(std::move(node));
  }

  std::vector<Frame> stack_;
  std::optional<TemplateNode> root_;
};

/// Where the scalar ends that begins at `at`; npos where it is not on one line.
std::size_t end_of(std::string_view text, std::size_t at, const std::string& value) {
  if (text[at] == '"' || text[at] == '\'') {
    const char quote = text[at];
    for (++at; at < text.size() && text[at] != '\n'; ++at) {
      if (quote == '"' && text[at] == '\\') {
        ++at;
      } else if (text[at] == quote) {
        const bool doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
        if (!doubled) return at + 1;
        ++at;
      }
    }
    return text.npos;
  }
  return text.substr(at, value.size()) == value ? at + value.size() : text.npos;
}

/// Past an anchor.
std::size_t start_of(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == '&' || text[at] == '!' || text[at] == ' '))
    at = text[at] == ' ' ? at + 1 : std::min(text.find_first_of(" \t\n", at), text.size());
  return at;
}

/// Offsets in the text as it is, of those in what was read of it: without its BOM and with line feeds alone.
class OriginalOffsets {
 public:
  explicit OriginalOffsets(std::string_view text)
      : text_(text), at_(text.starts_with("\xef\xbb\xbf") ? 3 : 0) {}
  /// Asked with growing offsets.
  std::size_t of(std::size_t clean) {
    for (; clean_ < clean && at_ < text_.size(); ++at_) clean_ += !is_dropped();
    return at_;
  }

 private:
  bool is_dropped() const { return text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n'; }

  std::string_view text_;
  std::size_t at_, clean_ = 0;
};

}  // namespace

const TemplateNode* TemplateNode::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

std::optional<TemplateNode> parse_template(std::string_view text) {
  if (text.size() > kLargestTemplate) return std::nullopt;
  try {
    std::string storage;
    std::istringstream in{std::string(clean_yaml(text, storage, ""))};
    YAML::Parser parser(in);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) return std::nullopt;
    return builder.take();
  } catch (const YAML::Exception&) {
    return std::nullopt;
  } catch (const Failure&) {  // no text at all
    return std::nullopt;
  } catch (const Unreadable&) {
    return std::nullopt;
  }
}

std::string with_replacements(std::string_view text, const std::vector<Replacement>& all) {
  if (all.empty()) return std::string(text);
  std::string storage;
  const std::string_view clean = clean_yaml(text, storage, "");
  std::vector<Replacement> sorted = all;
  std::sort(sorted.begin(), sorted.end(),
            [](const Replacement& a, const Replacement& b) { return a.node->begin < b.node->begin; });
  std::string out;
  std::size_t done = 0;
  OriginalOffsets original(text);
  for (const auto& [node, fresh] : sorted) {
    const std::size_t begin = start_of(clean, node->begin);
    const std::size_t end = begin < clean.size() ? end_of(clean, begin, node->text) : clean.npos;
    if (end == clean.npos)
      throw fail(
          ProblemCause::input,
          "line " + std::to_string(node->line) + ": the path '" + node->text + "' is not written on one line",
          "write it on one line, plain or in quotes");
    const std::size_t from = original.of(begin);
    out += text.substr(done, from - done);
    out += fresh;
    done = original.of(end);
  }
  return out + std::string(text.substr(done));
}

}  // namespace gitopsd::aws
