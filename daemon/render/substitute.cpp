#include "daemon/render/substitute.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/utf8.h"
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

/// The number that a text is, and nothing else.
std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `^`, `^^`, `,` or `,,`.
std::optional<std::string> cased(std::string text, std::string_view how) {
  if (how.size() > 2 || how.back() != how.front()) return std::nullopt;
  const std::size_t letters = how.size() == 1 ? std::min<std::size_t>(text.size(), 1) : text.size();
  for (std::size_t i = 0; i < letters; ++i) text[i] = how[0] == '^' ? upper(text[i]) : lower(text[i]);
  return text;
}

/// `POSITION` or `POSITION:LENGTH`, in bytes.
std::optional<std::string> part_of(const std::string& text, std::string_view how) {
  const auto colon = how.find(':');
  const auto position = number(how.substr(0, colon));
  const auto length = colon == how.npos ? text.size() : number(how.substr(colon + 1));
  if (!position || !length) return std::nullopt;
  std::string part = *position < text.size() ? text.substr(*position, *length) : std::string();
  return is_utf8(part) ? std::optional(part) : std::nullopt;
}

std::string replace_each(const std::string& text, const std::string& from, const std::string& to, bool all) {
  std::string out;
  std::size_t at = 0;
  for (auto found = text.find(from); found != text.npos && !from.empty(); found = text.find(from, at)) {
    out += text.substr(at, found - at) + to;
    at = found + from.size();
    if (!all) break;
  }
  return out + text.substr(at);
}

class Replacer {
 public:
  explicit Replacer(const std::map<std::string, std::string>& variables) : variables_(variables) {}

  /// nullopt where something in it is no variable: `bad()` says what.
  std::optional<std::string> replace(std::string_view text, int depth = 0) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      if (text.substr(at).starts_with("$$")) {
        out += '$';
        at += 2;
      } else if (text.substr(at).starts_with("${")) {
        const std::size_t end = closing_brace(text, at + 2);
        const std::string_view whole = text.substr(at, end == text.npos ? end : end + 1 - at);
        auto value = end == text.npos || depth > kDeepest
                         ? std::nullopt
                         : value_of(whole.substr(2, whole.size() - 3), depth);
        if (!value || value->size() > kLongest) {
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
  static constexpr int kDeepest = 8;                 // defaults of defaults
  static constexpr std::size_t kLongest = 1u << 20;  // a replacement may be longer than what it replaces

  /// Of what stands between the braces.
  std::optional<std::string> value_of(std::string_view inner, int depth) {
    const bool size = inner.starts_with('#');
    if (size) inner.remove_prefix(1);
    std::size_t end = 0;
    while (end < inner.size() && (end == 0 ? starts_name(inner[end]) : in_name(inner[end]))) ++end;
    if (end == 0) return std::nullopt;
    const auto found = variables_.find(std::string(inner.substr(0, end)));
    const bool given = found != variables_.end();
    const std::string value = given ? found->second : std::string();
    const std::string_view rest = inner.substr(end);
    if (size) return rest.empty() ? std::optional(std::to_string(value.size())) : std::nullopt;
    if (rest.empty()) return value;
    if (rest[0] == '-') return given ? value : replace(rest.substr(1), depth + 1);
    if (rest[0] == '=') return value.empty() ? replace(rest.substr(1), depth + 1) : value;
    if (rest.starts_with(":-") || rest.starts_with(":="))
      return value.empty() ? replace(rest.substr(2), depth + 1) : value;
    if (rest[0] == '^' || rest[0] == ',') return cased(value, rest);
    if (rest[0] == ':') return part_of(value, rest.substr(1));
    if (rest[0] == '/') return replaced_in(value, rest.substr(1), depth);
    return std::nullopt;
  }

  /// `FROM/TO`; `/FROM/TO` for all, `#FROM/TO` at the start, `%FROM/TO` at the end. `\/` is a slash of FROM.
  std::optional<std::string> replaced_in(const std::string& value, std::string_view how, int depth) {
    const char where = how.empty() ? '\0' : how[0];
    const bool special = where == '/' || where == '#' || where == '%';
    if (special) how.remove_prefix(1);
    std::string from;
    std::size_t at = 0;
    for (; at < how.size() && how[at] != '/'; ++at) {
      if (how[at] == '\\' && at + 1 < how.size()) ++at;
      from += how[at];
    }
    if (at == how.size()) return std::nullopt;
    const auto what = replace(from, depth + 1);
    const auto to = replace(how.substr(at + 1), depth + 1);
    if (!what || !to) return std::nullopt;
    if (where == '#')
      return to->empty() || !value.starts_with(*what) ? value : *to + value.substr(what->size());
    if (where == '%')
      return to->empty() || !value.ends_with(*what) ? value
                                                    : value.substr(0, value.size() - what->size()) + *to;
    return replace_each(value, *what, *to, where == '/');
  }

  const std::map<std::string, std::string>& variables_;
  std::string bad_;
};

/// What a text becomes that stands in a file without quotes. Only what is no text there, and is one word or
/// number; and what got quotes by a variable, which is how a number stays a text.
Value typed(std::string text, const std::string& before) {
  const bool one_line = before.find('\n') == before.npos && text.find('\n') == text.npos &&
                        !before.starts_with(' ') && !before.ends_with(' ');
  const bool quoted = one_line && text.size() > 1 && (text[0] == '"' || text[0] == '\'') &&
                      text.back() == text[0] && before[0] == '$';
  const bool plain = one_line && text.find_first_of(" \t#\"'") == text.npos;
  if (text.empty() && plain) return {};
  if (plain || quoted) {
    try {
      auto values = parse_yaml(text, "");
      if (values.size() == 1 && values[0].is_string() == quoted && !values[0].is_array() &&
          !values[0].is_object())
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
    if (before.find("${") == before.npos && before.find("$$") == before.npos) return std::nullopt;
    Replacer replacer(variables_);
    auto after = replacer.replace(before);
    if (!after)
      problems_.push_back({ProblemCause::input, "\"" + replacer.bad().substr(0, 100) + "\" is no variable",
                           "write ${NAME}, ${NAME:-default}, or $$ for $ itself", place_, position});
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
