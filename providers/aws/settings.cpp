#include "providers/aws/settings.h"

#include <algorithm>
#include <cstdlib>

#include "providers/protocol/service.h"
#include "providers/protocol/spec_reader.h"

namespace gitopsd::aws {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), is_digit);
}

/// A systemd credential of this unit.
std::string credential_path(protocol::SpecReader& settings, const std::string& name) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  if (name.find('/') != name.npos)
    settings.problem("credential", "'" + name + "' is no name of a credential");
  else if (!folder)
    settings.problem("credential",
                     "there is no systemd credential '" + name + "': this is no unit with credentials",
                     "name the file by `credentialsFile` instead of `credential`");
  else
    return std::string(folder) + "/" + name;
  return {};
}

}  // namespace

bool is_region(std::string_view text) {
  if (text.size() < 7 || !is_digit(text.back()) || text.find("--") != text.npos) return false;
  const auto last = text.rfind('-');
  const auto words = std::count(text.begin(), text.end(), '-');
  if (last == text.npos || words < 2 || text.find('-') != 2) return false;
  const auto name = text.substr(0, last), number = text.substr(last + 1);
  return std::all_of(name.begin(), name.end(), [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); }) &&
         !number.empty() && std::all_of(number.begin(), number.end(), is_digit);
}

Settings read_settings(const Value& value) {
  std::vector<protocol::WireProblem> problems;
  const std::string none;
  Settings out;
  protocol::SpecReader settings(&value, "", none, problems);
  settings.allow({"region", "account", "profile", "credentialsFile", "credential", "endpoint"});
  if (const auto region = settings.needed_text("region")) {
    out.region = *region;
    if (!is_region(*region))
      settings.problem("region", "'" + *region + "' is no name of a region", "write it like eu-central-1");
  }
  if (const Value* account = settings.member("account"); account && !account->is_string()) {
    settings.problem("account", "'account' must be a string, found " + std::string(account->type_name()),
                     "put it in quotes: it has twelve digits, and may begin with 0");
  } else if (const auto text = settings.needed_text("account")) {
    out.account = *text;
    if (!is_account(*text))
      settings.problem("account", "'" + *text + "' is no id of an account",
                       "it has twelve digits, in quotes");
  }
  out.profile = settings.text("profile").value_or("");
  out.credentials = settings.text("credentialsFile").value_or("");
  if (const auto name = settings.text("credential")) {
    if (!out.credentials.empty())
      settings.problem("credential", "a destination of AWS has either `credentialsFile` or `credential`");
    out.credentials = credential_path(settings, *name);
  }
  out.endpoint = settings.text("endpoint").value_or("");
  while (out.endpoint.ends_with('/')) out.endpoint.pop_back();
  if (!out.endpoint.empty() && !out.endpoint.starts_with("https://") && !out.endpoint.starts_with("http://"))
    settings.problem("endpoint", "'" + out.endpoint + "' is no URL", "write it like https://HOST");
  if (!problems.empty()) throw protocol::SettingsRefused(std::move(problems));
  return out;
}

}  // namespace gitopsd::aws
