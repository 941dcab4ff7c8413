// Where events and commits come from: hooks and repositories.
#include "config/fields.h"
#include "config/url.h"
#include "handlers/handler.h"

namespace gitopsd::config {
namespace {

std::vector<std::pair<std::string, std::string>> forge_words() {
  std::vector<std::pair<std::string, std::string>> words;
  for (const auto& forge : handlers::forges()) words.emplace_back(forge, forge);
  return words;
}

Rule<Repository> secret(std::optional<SecretRef> Repository::*member) {
  const auto rule = secret_item(1);
  return {rule.shape, [=](Reader& in, const Value& value, Repository& out) {
            rule.read(in, value, (out.*member).emplace());
          }};
}

std::string normal_alias(const std::string& alias) {
  const bool plain = alias.find("://") == alias.npos && alias.find(':') == alias.npos;
  if (!plain) return normal_repository_url(alias);
  auto name = normal_path(alias);
  if (name.find('/') != name.npos) return name;
  throw fail(ProblemCause::input, in_quotes(alias) + " is no other name of a repository",
             "such as owner/name or https://github.com/owner/name");
}

std::string normal_login(const std::string& user) {
  if (!user.empty() && user.find_first_of(": \t\r\n") == user.npos && user.front() != '-') return user;
  throw fail(ProblemCause::input, "this is no user name", "such as git or oauth2");
}

}  // namespace

const Fields<Hook>& hook_fields() {
  static const Fields<Hook> fields{
      {"name", own_name(&Hook::name, Namespace::hook, normal_name), Need::required},
      {"forge", word(&Hook::forge, "the kind of forge", forge_words()), Need::required},
      {"secrets", list(&Hook::secrets, "a list of secrets by reference", secret_item(kLeastHookSecret), 1),
       Need::required},
      {"repositories",
       list(&Hook::repositories, "a list of names of repositories",
            name_item<RepositoryTag>(Namespace::repository, "the name of a repository"), 1),
       Need::required},
  };
  return fields;
}

const Fields<Repository>& repository_fields() {
  static const Fields<Repository> fields{
      {"name", own_name(&Repository::name, Namespace::repository, normal_name), Need::required},
      {"url",
       text(&Repository::url, "a URL such as https://github.com/owner/name.git", normal_repository_url),
       Need::required},
      {"aliases",
       list(&Repository::aliases, "a list of other names", item("owner/name or a URL", normal_alias))},
      {"user", text(&Repository::user, "a user name", normal_login)},
      {"token", secret(&Repository::token)},
      {"ssh_key", secret(&Repository::ssh_key)},
      {"known_hosts", file_text(&Repository::known_hosts, "the path of a known_hosts file")},
      {"ca_file", file_text(&Repository::ca_file, "the path of a PEM file of authorities")},
      {"proxy", text(&Repository::proxy, "a proxy such as http://proxy.example:3128", normal_proxy)},
      {"poll", duration(&Repository::poll, "0s", "30d")},
      {"connect_timeout", duration(&Repository::connect_timeout, "10ms", "10m")},
      {"idle_timeout", duration(&Repository::idle_timeout, "10ms", "1h")},
      {"total_timeout", duration(&Repository::total_timeout, "10ms", "1d")},
      {"require", word(&Repository::require_signed, "signed or nothing",
                       std::vector<std::pair<std::string, bool>>{{"signed", true}, {"nothing", false}})},
  };
  return fields;
}

void check_hook(Reader& in, const Value& value, Hook& hook) {
  for (std::size_t i = 0; i < hook.repositories.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (hook.repositories[i] != hook.repositories[j]) continue;
      in.problem(value.position, "repository " + in_quotes(hook.repositories[i].str()) + " is listed twice");
    }
  }
}

void check_repository(Reader& in, const Value& value, Repository& repository) {
  const auto url = parse_url(repository.url);
  if (!url) return;
  const auto at = [&](std::string_view key) {
    const auto* member = value.find(key);
    return member == nullptr ? value.position : member->position;
  };
  const bool ssh = url->scheme == "ssh";
  const bool web = url->scheme == "https" || url->scheme == "http";
  if (ssh && repository.known_hosts.empty()) {
    in.problem(
        at("url"), "SSH needs known_hosts, or anybody could pose as the server",
        "make the file with: ssh-keyscan " + url->host + ", and compare the fingerprints with the forge's");
  }
  if (!ssh && repository.ssh_key) in.problem(at("ssh_key"), "ssh_key is for SSH URLs", "use token for HTTPS");
  if (repository.ssh_key && !repository.ssh_key->environment.empty())
    in.problem(at("ssh_key"), "ssh reads its key from a file", "name a file or a credential");
  if (!ssh && !repository.known_hosts.empty()) in.problem(at("known_hosts"), "known_hosts is for SSH URLs");
  if (!web && repository.token)
    in.problem(at("token"), "token is for HTTPS URLs", ssh ? "use ssh_key for SSH" : "");
  if (!web && !repository.ca_file.empty()) in.problem(at("ca_file"), "ca_file is for HTTPS URLs");
  if (!web && !repository.proxy.empty()) in.problem(at("proxy"), "proxy is for HTTPS URLs");
  if (repository.token && url->scheme == "http" && !is_loopback(url->host)) {
    in.problem(at("token"), "the token would cross the network unencrypted", "use an https URL");
  }
  if (ssh && !url->user.empty() && !repository.user.empty() && url->user != repository.user) {
    in.problem(at("user"), "the URL names another user", "remove one of the two");
  }
  if (ssh && repository.user.empty()) repository.user = url->user.empty() ? "git" : url->user;
}

}  // namespace gitopsd::config
