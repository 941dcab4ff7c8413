#include "config/names.h"

#include <algorithm>
#include <regex>
#include <string_view>

#include "base/problem.h"
#include "base/types.h"
#include "config/quote.h"

namespace gitopsd::config {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";

Failure bad(const std::string& text, std::string_view what, std::string hint) {
  return fail(ProblemCause::input, in_quotes(text) + " is no " + std::string(what), std::move(hint));
}

bool made_of(std::string_view text, const std::string& characters) {
  return !text.empty() && text.find_first_not_of(characters) == text.npos;
}

std::string full_ref(const std::string& text, std::string_view prefix, std::string_view what) {
  std::string full = text.starts_with("refs/") ? text : std::string(prefix) + text;
  if (text.find('*') != text.npos) throw bad(text, what, "for a pattern of tags write tag_pattern: " + text);
  if (!Ref::parse(full)) throw bad(text, what, "such as main, v1.2.3 or refs/heads/main");
  return full;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// The segments joined by single slashes, without "." and empty ones.
std::string clean(const std::string& text, std::string_view what) {
  if (has_control(text)) throw bad(text, what, "it has control characters");
  std::string out;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find('/', from), text.size());
    const auto segment = text.substr(from, end - from);
    from = end + 1;
    if (segment == "..") throw bad(text, what, "'..' is not allowed: name the place itself");
    if (segment.empty() || segment == ".") continue;
    out += (out.empty() ? "" : "/") + segment;
  }
  return out;
}

}  // namespace

std::string normal_name(const std::string& text) {
  static const std::string rest = std::string(kLower) + std::string(kDigits) + "._-";
  const bool begins = !text.empty() && rest.find(text.front()) < kLower.size() + kDigits.size();
  if (begins && made_of(text, rest) && text.size() <= 63) return text;
  throw bad(text, "name",
            "a name has lower-case letters, digits, '.', '_' and '-', begins with a letter or digit, "
            "and is at most 63 long");
}

std::string normal_credential(const std::string& text) {
  static const std::string all = std::string(kLower) + std::string(kUpper) + std::string(kDigits) + "._-";
  if (made_of(text, all) && text != "." && text != ".." && text.size() <= 255) return text;
  throw bad(text, "name of a credential", "it is the ID in the unit's LoadCredential=ID:PATH");
}

std::string normal_variable(const std::string& text) {
  static const std::string all = std::string(kLower) + std::string(kUpper) + std::string(kDigits) + "_";
  if (made_of(text, all) && kDigits.find(text.front()) == kDigits.npos) return text;
  throw bad(text, "name of an environment variable", "such as GITHUB_TOKEN");
}

std::string normal_uuid(const std::string& text) {
  static const std::regex form("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  if (std::regex_match(text, form)) return text;
  throw bad(text, "UUID", "such as 0b5c9a3e-8f1d-4c57-9a55-1f0e6c2d7b41, in lower case");
}

std::string normal_user(const std::string& text) {
  static const std::string all = std::string(kLower) + std::string(kUpper) + std::string(kDigits) + "._-";
  if (made_of(text, all) && text.front() != '-' && text.size() <= 32) return text;
  throw bad(text, "user name", "such as alice");
}

std::string normal_ref(const std::string& text) {
  return full_ref(text, kHeads, "branch or full ref");
}

std::string normal_tag(const std::string& text) {
  auto full = full_ref(text, kTags, "tag");
  if (full.starts_with(kTags)) return full;
  throw bad(text, "tag", "write ref: " + text);
}

std::string normal_tag_pattern(const std::string& text) {
  std::string full = text.starts_with("refs/") ? text : std::string(kTags) + text;
  std::string sample = full;
  std::replace(sample.begin(), sample.end(), '*', 'x');
  if (text.find('*') == text.npos)
    throw bad(text, "pattern", "write tag: " + text + " for one tag, or a pattern such as v*");
  if (full.starts_with(kTags) && Ref::parse(sample)) return full;
  throw bad(text, "pattern of tags", "such as v*");
}

std::string normal_path(const std::string& text) {
  if (text.starts_with('/')) throw bad(text, "path in a repository", "leave the leading slash away");
  return clean(text, "path in a repository");
}

std::string normal_glob(const std::string& text) {
  if (text.starts_with('/'))
    throw bad(text, "glob", "leave the leading slash away: it is relative to the application's path");
  auto out = clean(text, "glob");
  if (out.empty()) throw bad(text, "glob", "such as *.yaml or overlays/**");
  return out;
}

std::string normal_reference(const std::string& text) {
  if (!text.empty() && !has_control(text) && !text.ends_with('/')) return text;
  throw bad(text, "file of the repository", "such as values.yaml or /environments/values.yaml");
}

std::string normal_file(const std::string& text) {
  if (!text.starts_with('/')) throw bad(text, "absolute path", "begin it with a slash");
  return "/" + clean(text, "path");
}

std::string normal_socket(const std::string& text) {
  auto out = normal_file(text);
  if (out.size() > 107) throw bad(text, "path of a socket", "the kernel allows 107 bytes");
  return out;
}

}  // namespace gitopsd::config
