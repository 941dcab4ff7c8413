#include "providers/aws/settings.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "base/problem.h"
#include "providers/aws/credentials.h"
#include "providers/aws/endpoint.h"
#include "providers/aws/s3.h"
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
std::string credential_path(protocol::SpecReader& settings, const std::string& name,
                            std::vector<protocol::WireProblem>& problems) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  if (name.find('/') != name.npos) {
    settings.problem("credential", "'" + name + "' is no name of a credential");
  } else if (!folder) {
    settings.problem("credential",
                     "there is no systemd credential '" + name + "': this is no unit with credentials",
                     "name the file by `credentialsFile` instead of `credential`");
    problems.back().cause = ProblemCause::destination;  // it is one elsewhere, where this only checks
  } else {
    return std::string(folder) + "/" + name;
  }
  return {};
}

bool is_url(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool is_true(std::string_view text) {
  return text == "true" || text == "True" || text == "TRUE";
}

std::vector<std::string> profile_names(const Sections& profiles) {
  std::vector<std::string> names;
  for (const auto& [name, section] : profiles) names.push_back(name);
  return names;
}

/// What the settings name has to be there; what AWS's usual places lack, others of them may have.
void check_named(const Settings& settings, const ProfileChoice& choice, const Sections& profiles,
                 protocol::SpecReader& in) {
  if (!settings.credentials.empty() && ::access(settings.credentials.c_str(), F_OK) != 0)
    return in.problem(in.has("credential") ? "credential" : "credentialsFile",
                      "there is no file " + settings.credentials,
                      "make it, readable for the provider's user, or name another");
  if (settings.profile.empty() || profiles.contains(settings.profile)) return;
  const auto near = did_you_mean(settings.profile, profile_names(profiles));
  std::string places = choice.credentials_file;
  if (!choice.config_file.empty()) places += (places.empty() ? "" : " or ") + choice.config_file;
  if (places.empty())
    return in.problem("profile", "there is no file that could have the profile '" + settings.profile + "'",
                      "name it by `credentialsFile`: a provider that the daemon starts has no HOME");
  in.problem("profile", "there is no profile '" + settings.profile + "' in " + places,
             near.empty() ? "make it there, or name another" : "did you mean '" + near + "'?");
}

/// What the environment says, else the profile.
class Configured {
 public:
  Configured(const Settings& settings, const Environment& environment, protocol::SpecReader& in)
      : environment_(environment) {
    const auto choice = profile_choice(settings, environment);
    const auto shared = read_shared(choice);
    check_named(settings, choice, shared.profiles, in);
    if (const auto found = shared.profiles.find(choice.name); found != shared.profiles.end())
      profile_ = found->second;
    if (const auto found = shared.services.find(member(profile_, "services")); found != shared.services.end())
      services_ = found->second;
  }

  bool flag(const std::string& variable, const char* key) const {
    const auto set = environment_(variable);
    return is_true(set.empty() ? member(profile_, key) : set);
  }

  Endpoints endpoints() const {
    Endpoints out;
    out.fips = flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
    out.dual_stack = flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
    if (flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")) return out;
    const std::string all = environment_("AWS_ENDPOINT_URL");
    for (const auto* service : kServices) {
      std::string url = environment_("AWS_ENDPOINT_URL_" + std::string(service->env));
      // The environment's word for all comes before the file's for one.
      if (url.empty() && all.empty()) url = member(services_, std::string(service->id) + ".endpoint_url");
      if (!url.empty()) out.of_service[std::string(service->id)] = without_slash(url);
    }
    out.all = without_slash(all.empty() ? member(profile_, "endpoint_url") : all);
    return out;
  }

 private:
  const Environment& environment_;
  Section profile_, services_;
};

/// As the rules of AWS's SDKs have it.
void refuse_both(const Endpoints& endpoints, protocol::SpecReader& settings) {
  if (endpoints.all.empty() && endpoints.of_service.empty()) return;
  for (const auto& [set, key, words] :
       {std::tuple{endpoints.fips, "fips", "endpoints of FIPS"},
        std::tuple{endpoints.dual_stack, "dualStack", "dual-stack endpoints"}})
    if (set)
      settings.problem(key, std::string(words) + " are AWS's, and there is a URL of somebody's own",
                       "leave out one of them (also AWS_ENDPOINT_URL, and `endpoint_url` of the profile)");
}

void read_artifacts(protocol::SpecReader& settings, std::vector<protocol::WireProblem>& problems,
                    ArtifactsPlace& place) {
  const Value* value = settings.member("artifacts");
  if (!value) return;
  const std::string none;
  protocol::SpecReader in(value, "/artifacts", none, problems);
  in.allow({"bucket", "prefix"});
  if (const auto bucket = in.needed_text("bucket")) {
    place.bucket = *bucket;
    if (!is_bucket_name(*bucket))
      in.problem("bucket", "'" + *bucket + "' is no name of a bucket",
                 "it has 3 to 63 lower-case letters, digits, hyphens and dots");
  }
  place.prefix = in.text("prefix").value_or("");
  while (place.prefix.ends_with('/')) place.prefix.pop_back();
  if (place.prefix.starts_with('/'))
    in.problem("prefix", "'" + place.prefix + "' begins with a slash", "write it like deployments/web");
  if (!place.prefix.empty()) place.prefix += "/";
}

}  // namespace

bool is_region(std::string_view text) {
  if (text.size() < 7 || !is_digit(text.back()) || text.find("--") != text.npos) return false;
  const auto last = text.rfind('-');
  const auto words = std::count(text.begin(), text.end(), '-');
  const auto first = text.find('-');
  if (last == text.npos || words < 2 || (first != 2 && first != 4)) return false;
  const auto name = text.substr(0, last), number = text.substr(last + 1);
  return std::all_of(name.begin(), name.end(), [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); }) &&
         !number.empty() && std::all_of(number.begin(), number.end(), is_digit);
}

Settings read_settings(const Value& value, const Environment& environment) {
  std::vector<protocol::WireProblem> problems;
  const std::string none;
  Settings out;
  protocol::SpecReader settings(&value, "", none, problems);
  settings.allow({"region", "account", "profile", "credentialsFile", "credential", "endpoint", "fips",
                  "dualStack", "artifacts"});
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
    out.credentials = credential_path(settings, *name, problems);
  }
  read_artifacts(settings, problems, out.artifacts);
  const std::size_t before = problems.size();
  try {
    out.endpoints = Configured(out, environment, settings).endpoints();
  } catch (const Failure& failure) {
    for (const auto& problem : failure.problems()) settings.problem("profile", problem.str());
  }
  // Where a configuration is only checked, the provider's files may be elsewhere, or not to be read.
  for (std::size_t i = before; i < problems.size(); ++i) problems[i].cause = ProblemCause::destination;
  if (const auto url = settings.text("endpoint")) {
    out.endpoints.of_service.clear();
    out.endpoints.all = without_slash(*url);
    if (!is_url(*url)) settings.problem("endpoint", "'" + *url + "' is no URL", "write it like https://HOST");
  }
  out.endpoints.fips = settings.flag("fips", out.endpoints.fips);
  out.endpoints.dual_stack = settings.flag("dualStack", out.endpoints.dual_stack);
  refuse_both(out.endpoints, settings);
  if (!problems.empty()) throw protocol::SettingsRefused(std::move(problems));
  return out;
}

}  // namespace gitopsd::aws
