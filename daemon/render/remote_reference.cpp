#include "daemon/render/remote_reference.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace gitopsd::render {
namespace {

constexpr std::string_view kFile = "file://";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!lower(text.substr(0, prefix.size())).starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// `https://` and the like, in lower case; empty where there is none.
std::string take_scheme(std::string_view& text) {
  const auto end = text.find("://");
  if (end == text.npos || end == 0) return {};
  const auto in_scheme = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+'; };
  if (!std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), in_scheme)) return {};
  std::string scheme = lower(text.substr(0, end + 3));
  text.remove_prefix(scheme.size());
  return scheme;
}

/// `git@`; empty where there is none.
std::string take_user(std::string_view& text) {
  const auto end = text.find_first_of("@/:");
  if (end == text.npos || end == 0 || text[end] != '@') return {};
  std::string user(text.substr(0, end + 1));
  text.remove_prefix(user.size());
  return user;
}

/// The value of one of a query's members; empty where it has none.
std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.substr(0, pair.find('=')) == name && pair.size() > name.size())
      return std::string(pair.substr(name.size() + 1));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

struct Split {
  std::string_view repository, path;
};

/// Where the repository's own path ends: at `_git/NAME`, `//`, `.git`, or after the owner and the name.
Split split_path(std::string_view text, bool all) {
  constexpr std::string_view kAzure = "_git/";
  if (const auto at = text.find(kAzure); at != text.npos) {
    const auto end = std::min(text.find('/', at + kAzure.size()), text.size());
    return {text.substr(0, end), text.substr(end)};
  }
  if (const auto at = text.find("//"); at != text.npos) return {text.substr(0, at), text.substr(at + 2)};
  if (const auto at = text.find(".git"); at != text.npos)
    return {text.substr(0, at + 4), text.substr(at + 4)};
  if (all) return {text, {}};
  const auto owner = text.find('/');
  const auto end = owner == text.npos ? text.size() : std::min(text.find('/', owner + 1), text.size());
  return {text.substr(0, end), text.substr(end)};
}

}  // namespace

std::optional<RemoteReference> remote_reference(const std::string& text) {
  std::string_view rest = text;
  if (rest.starts_with('/')) return std::nullopt;
  RemoteReference found;
  const auto question = rest.find('?');
  const std::string_view query = question == rest.npos ? std::string_view() : rest.substr(question + 1);
  found.ref = query_value(query, "ref");
  if (found.ref.empty()) found.ref = query_value(query, "version");
  rest = rest.substr(0, question);

  take_prefix(rest, "git::");
  const std::string scheme = take_scheme(rest);
  const std::string user = scheme == kFile ? std::string() : take_user(rest);
  const bool github =
      lower(rest.substr(0, 11)) == "github.com/" || lower(rest.substr(0, 11)) == "github.com:";
  if (scheme.empty() && user.empty() && !github) return std::nullopt;
  std::string before = scheme + user;
  if (scheme != kFile) {
    const auto end = scheme.empty() ? rest.find_first_of("/:") : rest.find('/');
    if (end == rest.npos || end == 0) return std::nullopt;
    found.host = lower(rest.substr(0, end));
    before += rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
    // As kustomize: by SSH where a user is named, else by HTTPS.
    if (github) before = scheme == "ssh://" || !user.empty() ? user + "github.com:" : "https://github.com/";
  }
  const auto [repository, path] = split_path(rest, scheme == kFile);
  // With a scheme it may also be a single file.
  if (repository.empty() || (scheme.empty() && repository.find_first_of("/.") == repository.npos))
    return std::nullopt;
  found.url = before + std::string(repository);
  found.path = path.substr(std::min(path.find_first_not_of('/'), path.size()));
  return found;
}

std::string vendor_hint(const RemoteReference& reference) {
  std::string name = reference.url.substr(reference.url.find_last_of("/:") + 1);
  if (name.ends_with(".git")) name.resize(name.size() - 4);
  const std::string folder = "vendor/" + name;
  return "commit a copy: git subtree add --squash --prefix " + folder + " " + reference.url + " " +
         (reference.ref.empty() ? "REF" : reference.ref) + ", and name " + folder +
         (reference.path.empty() ? "" : "/" + reference.path);
}

}  // namespace gitopsd::render
