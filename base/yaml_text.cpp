#include "base/yaml_text.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace gitopsd {
namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";
constexpr std::string_view kBlank = " \t\n";

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[static_cast<std::size_t>(c)] = true;
  plain['\n'] = plain['\t'] = true;
  return plain;
}();

Position position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

void check_characters(std::string_view text, std::string_view file) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (kPlain[byte]) {
      ++at;
      continue;
    }
    if (byte < 0x80) {
      refuse_yaml(file, position_of(text, at), "a control character (byte " + std::to_string(byte) + ")",
                  "write it escaped in double quotes");
    }
    const std::size_t size = utf8_size(text, at);
    if (size == 0)
      refuse_yaml(file, position_of(text, at), "bytes that are not UTF-8", "save the file as UTF-8");
    const std::string_view character = text.substr(at, size);
    const bool c1 = byte == 0xc2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    const bool line_end = character == "\xe2\x80\xa8" || character == "\xe2\x80\xa9";
    if (c1 || line_end || character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf") {
      refuse_yaml(file, position_of(text, at),
                  line_end ? "a Unicode line or paragraph separator" : "a control character beyond ASCII",
                  "write it escaped in double quotes");
    }
    at += size;
  }
}

void check_separator(std::string_view line, int number, std::string_view file) {
  const std::size_t at = line.find_first_not_of(" \t", 3);
  if (at == std::string_view::npos || (line[at] == '#' && at > 3)) return;
  refuse_yaml(file, {number, static_cast<int>(at) + 1}, "text after a document separator",
              "--- starts a document and has to stand alone on its line");
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kBlank) == std::string_view::npos;
}

}  // namespace

void refuse_yaml(std::string_view file, Position at, std::string message, std::string hint) {
  throw Failure(Problem{ProblemCause::input, std::move(message), std::move(hint), std::string(file), at});
}

std::string_view clean_yaml(std::string_view text, std::string& storage, std::string_view file) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    refuse_yaml(file, {1, 1}, "the file is UTF-16", "save it as UTF-8");
  if (text.find('\r') != std::string_view::npos) {
    // A carriage return alone ends a line too (YAML 1.2.2, section 5.4), which yaml-cpp does not know.
    storage.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\r') {
        storage += text[i];
      } else if (i + 1 == text.size() || text[i + 1] != '\n') {
        storage += '\n';
      }
    }
    text = storage;
  }
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  check_characters(text, file);
  return text;
}

std::vector<YamlPart> split_yaml(std::string_view text, std::string_view file) {
  std::vector<YamlPart> parts;
  std::size_t start = 0;
  int first_line = 1, line = 1;
  bool ended = false, blank = true;
  const auto finish = [&](std::size_t end) {
    if (ended) return;
    std::string_view part = text.substr(start, end - start);
    if (part.starts_with(kBom)) part.remove_prefix(kBom.size());
    parts.push_back({part, first_line});
  };
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1, ++line) {
    end = std::min(text.find('\n', at), text.size());
    const std::string_view here = text.substr(at, end - at);
    if (here.starts_with("---")) {
      check_separator(here, line, file);
      finish(at);
      start = std::min(end + 1, text.size());
      first_line = line + 1;
      ended = false;
      blank = true;
    } else if (!ended && here.starts_with("...") && is_blank(here.substr(3, 1))) {
      finish(at);
      ended = true;
    } else if (blank && here.starts_with('%')) {
      refuse_yaml(file, {line, 1}, "a YAML directive", "remove it: documents are read as YAML 1.1");
    } else {
      blank = blank && is_blank(here.substr(0, here.find('#')));
    }
  }
  finish(text.size());
  return parts;
}

bool has_open_quote(std::string_view text, std::size_t at) {
  while (at < text.size() && (kBlank.find(text[at]) != std::string_view::npos || text[at] == '&' ||
                              text[at] == '!' || text[at] == '#')) {
    // An anchor and a tag end at white space, a comment at its line's end.
    const bool blank = kBlank.find(text[at]) != std::string_view::npos;
    at = blank ? at + 1 : std::min(text.find_first_of(text[at] == '#' ? "\n" : kBlank, at), text.size());
  }
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return false;
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      const bool doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!doubled) return false;
      ++at;
    }
  }
  return true;
}

}  // namespace gitopsd
