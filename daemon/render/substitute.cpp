#include "daemon/render/substitute.h"

#include <optional>
#include <string_view>

#include "base/yaml.h"

namespace gitopsd::render {
namespace {

constexpr std::string_view kSwitch = "kustomize.toolkit.fluxcd.io/substitute";

bool starts_name(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool in_name(char c) {
  return starts_name(c) || (c >= '0' && c <= '9');
}

/// Where the brace that closes the one before `at` is; npos where there is none.
std::size_t closing_brace(std::string_view text, std::size_t at) {
  for (int depth = 1; at < text.size(); ++at) {
    if (text[at] == '{' && text[at - 1] == '$') ++depth;
    if (text[at] == '}' && --depth == 0) return at;
  }
  return text.npos;
}

class Replacer {
 public:
  explicit Replacer(const std::map<std::string, std::string>& variables) : variables_(variables) {}

  /// nullopt where something in it is no variable: `bad()` says what.
  std::optional<std::string> replace(std::string_view text, int depth = 0) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      if (text.substr(at).starts_with("$${")) {
        out += "${";
        at += 3;
      } else if (text.substr(at).starts_with("${")) {
        const std::size_t end = closing_brace(text, at + 2);
        const std::string_view whole = text.substr(at, end == text.npos ? end : end + 1 - at);
        auto value = end == text.npos || depth > kDeepest
                         ? std::nullopt
                         : value_of(whole.substr(2, whole.size() - 3), depth);
        if (!value) {
          if (bad_.empty()) bad_ = whole;
          return std::nullopt;
        }
        out += *value;
        at = end + 1;
      } else {
        out += text[at++];
      }
    }
    return out;
  }
  const std::string& bad() const { return bad_; }

 private:
  static constexpr int kDeepest = 8;  // defaults of defaults

  /// Of what stands between the braces.
  std::optional<std::string> value_of(std::string_view inner, int depth) {
    std::size_t end = 0;
    while (end < inner.size() && (end == 0 ? starts_name(inner[end]) : in_name(inner[end]))) ++end;
    if (end == 0) return std::nullopt;
    const auto found = variables_.find(std::string(inner.substr(0, end)));
    const bool given = found != variables_.end();
    std::string_view rest = inner.substr(end);
    if (rest.empty()) return given ? found->second : std::string();
    const bool also_empty = rest.starts_with(':');
    if (also_empty) rest.remove_prefix(1);
    if (!rest.starts_with('-') && !rest.starts_with('=')) return std::nullopt;
    if (given && !(also_empty && found->second.empty())) return found->second;
    return replace(rest.substr(1), depth + 1);
  }

  const std::map<std::string, std::string>& variables_;
  std::string bad_;
};

/// What a text becomes that stands in a file without quotes. Only what is no text there, and is one word or
/// number.
Value typed(std::string text, const std::string& before) {
  const bool plain = before.find('\n') == before.npos && text.find('\n') == text.npos &&
                     !before.starts_with(' ') && !before.ends_with(' ') &&
                     text.find_first_of(" \t#\"'") == text.npos;
  if (text.empty() && plain) return {};
  if (plain) {
    try {
      auto values = parse_yaml(text, "");
      if (values.size() == 1 && !values[0].is_string() && !values[0].is_array() && !values[0].is_object())
        return std::move(values[0]);
    } catch (const Failure&) {
      // Then it is a text.
    }
  }
  return Value(std::move(text));
}

class Walk {
 public:
  Walk(const std::map<std::string, std::string>& variables, const std::string& place,
       std::vector<Problem>& problems)
      : variables_(variables), place_(place), problems_(problems) {}

  void value(Value& node) {
    if (node.is_string()) {
      const std::string before = node.as_string();
      if (auto after = text(before, node.position)) {
        const Position position = node.position;
        node = typed(*std::move(after), before);
        node.position = position;
      }
    } else if (node.is_array()) {
      for (auto& item : node.as_array()) value(item);
    } else if (node.is_object()) {
      members(node);
    }
  }

 private:
  /// nullopt: nothing is to be replaced.
  std::optional<std::string> text(const std::string& before, Position position) {
    if (before.find("${") == before.npos) return std::nullopt;
    Replacer replacer(variables_);
    auto after = replacer.replace(before);
    if (!after)
      problems_.push_back({ProblemCause::input, "\"" + replacer.bad().substr(0, 100) + "\" is no variable",
                           "write ${NAME}, ${NAME:-default}, or $${ for ${ itself", place_, position});
    return after;
  }

  void members(Value& object) {
    std::vector<std::pair<std::string, std::string>> renamed;
    for (auto& [key, member] : object.as_object()) {
      value(member);
      if (auto name = text(key, member.position); name && *name != key) renamed.emplace_back(key, *name);
    }
    for (const auto& [from, to] : renamed) {
      auto node = object.as_object().extract(from);
      node.key() = to;
      const Position position = node.mapped().position;
      if (!object.as_object().insert(std::move(node)).inserted)
        problems_.push_back({ProblemCause::input,
                             "\"" + from + "\" becomes \"" + to + "\", and that key is there already", "",
                             place_, position});
    }
  }

  const std::map<std::string, std::string>& variables_;
  const std::string& place_;
  std::vector<Problem>& problems_;
};

bool switched_off(const Value& json) {
  for (const char* where : {"/metadata/labels", "/metadata/annotations"}) {
    const Value* words = json.at_pointer(where);
    const Value* word = words ? words->find(kSwitch) : nullptr;
    if (word && word->is_string() && word->as_string() == "disabled") return true;
  }
  return false;
}

}  // namespace

void substitute(Document& document, const std::map<std::string, std::string>& variables,
                const std::string& place, std::vector<Problem>& problems) {
  if (variables.empty() || switched_off(document.json)) return;
  Walk(variables, place, problems).value(document.json);
}

}  // namespace gitopsd::render
