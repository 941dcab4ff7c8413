#include <algorithm>
#include <string>
#include <vector>

#include "daemon/render/render.h"

namespace gitopsd::render {
namespace {

/// Code points, so that `?` is one character; a byte that is no UTF-8 stands for itself.
std::u32string characters(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
    char32_t code = size == 1 ? lead : lead & (0xffu >> (size + 1));
    bool whole = i + size <= text.size();
    for (std::size_t k = 1; whole && k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      whole = (next & 0xc0) == 0x80;
      code = code << 6 | (next & 0x3f);
    }
    out += whole ? code : char32_t{lead};
    i += whole ? size : 1;
  }
  return out;
}

struct Token {
  enum Kind { literal, any, set, star, globstar, folders } kind = literal;
  char32_t character = 0;
  bool negated = false;
  std::vector<std::pair<char32_t, char32_t>> ranges;

  bool takes(char32_t c) const {
    if (kind == literal) return c == character;
    if (kind == any) return c != '/';
    const bool inside = std::any_of(ranges.begin(), ranges.end(),
                                    [c](const auto& range) { return range.first <= c && c <= range.second; });
    return c != '/' && inside != negated;
  }
};

/// Reads `[...]` that starts at `at`; leaves `at` behind it. A bracket that is never closed is a character.
Token read_set(const std::u32string& pattern, std::size_t& at) {
  Token token{Token::set, 0, false, {}};
  std::size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) {
    token.negated = true;
    ++i;
  }
  for (const std::size_t first = i; i < pattern.size(); ++i) {
    if (pattern[i] == ']' && i > first) {
      at = i + 1;
      return token;
    }
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const char32_t low = pattern[i];
    char32_t high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = pattern[i + 2];
      i += 2;
    }
    token.ranges.emplace_back(low, high);
  }
  ++at;
  return {Token::literal, '[', false, {}};
}

std::vector<Token> compile(const std::u32string& pattern) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < pattern.size();) {
    const char32_t c = pattern[i];
    if (c == '[') {
      tokens.push_back(read_set(pattern, i));
    } else if (c == '?') {
      tokens.push_back({Token::any, 0, false, {}});
      ++i;
    } else if (c == '*') {
      const bool starts = i == 0 || pattern[i - 1] == '/';
      const std::size_t first = i;
      while (i < pattern.size() && pattern[i] == '*') ++i;
      if (i - first == 1) {
        tokens.push_back({Token::star, 0, false, {}});
      } else if (starts && i < pattern.size() && pattern[i] == '/') {
        tokens.push_back({Token::folders, 0, false, {}});
        ++i;
      } else {
        tokens.push_back({Token::globstar, 0, false, {}});
      }
    } else {
      if (c == '\\' && i + 1 < pattern.size()) ++i;
      tokens.push_back({Token::literal, pattern[i++], false, {}});
    }
  }
  return tokens;
}

bool hidden(std::string_view path) {
  return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [path](const auto& pattern) { return glob_match(pattern, path); });
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  const std::vector<Token> tokens = compile(characters(pattern));
  // All positions in the pattern at once: backtracking would be exponential in the number of stars.
  std::vector<char> here(tokens.size() + 1), next(tokens.size() + 1);
  const auto settle = [&tokens](std::vector<char>& states, bool component_starts) {
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const auto kind = tokens[t].kind;
      if (states[t] &&
          (kind == Token::star || kind == Token::globstar || (kind == Token::folders && component_starts))) {
        states[t + 1] = 1;
      }
    }
  };
  here[0] = 1;
  settle(here, true);
  for (const char32_t c : characters(path)) {
    std::fill(next.begin(), next.end(), 0);
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      if (!here[t]) continue;
      const auto kind = tokens[t].kind;
      if (kind == Token::globstar || kind == Token::folders || (kind == Token::star && c != '/')) {
        next[t] = 1;
      } else if (kind != Token::star && tokens[t].takes(c)) {
        next[t + 1] = 1;
      }
    }
    settle(next, c == '/');
    here.swap(next);
  }
  return here.back() != 0;
}

bool is_manifest(const config::Application& application, std::string_view path_below) {
  static const std::vector<std::string> kDefault = {"**/*.yaml", "**/*.yml", "**/*.json"};
  const bool by_default = application.include.empty();
  if (by_default && hidden(path_below)) return false;
  return any_matches(by_default ? kDefault : application.include, path_below) &&
         !any_matches(application.exclude, path_below);
}

bool is_looked_for(const config::Application& application, std::string_view path_below) {
  return application.include.empty() && !hidden(path_below) && !any_matches(application.exclude, path_below);
}

}  // namespace gitopsd::render
