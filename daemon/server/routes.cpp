#include "daemon/server/routes.h"

#include <algorithm>
#include <utility>

#include "base/problem.h"

namespace gitopsd::server {
namespace {

constexpr std::string_view kHooks = "/hooks/";

}  // namespace

Routes::Routes(config::Snapshot config) : config_(std::move(config)) {
  std::vector<Problem> problems;
  for (const config::Hook& hook : config_->hooks) add_hook(hook, problems);
  for (const config::Application& application : config_->applications) add_application(application);
  // Without plain_http nobody's X-Forwarded-For is believed: TLS ends here, so the peer is the caller.
  if (config_->server.plain_http)
    for (const std::string& proxy : config_->server.trusted_proxies) {
      if (const auto range = AddressRange::parse(proxy))
        trusted_proxies_.push_back(*range);
      else
        problems.push_back(
            fail(ProblemCause::input, "server.trusted_proxies: \"" + proxy + "\" is no address or CIDR block")
                .problems()[0]);
    }
  if (!problems.empty()) throw Failure(std::move(problems));
}

void Routes::add_hook(const config::Hook& hook, std::vector<Problem>& problems) {
  auto route = std::make_unique<HookRoute>(
      HookRoute{&hook, config::RepositoryMatch(*config_, hook), handlers::find_handler(hook.forge), {}});
  if (route->handler == nullptr)
    problems.push_back(fail(ProblemCause::input,
                            "hook " + hook.name.str() + ": unknown forge \"" + hook.forge + "\"",
                            did_you_mean(hook.forge, handlers::forges()))
                           .problems()[0]);
  for (const config::SecretRef& secret : hook.secrets) try {
      route->secrets.push_back(secret.resolve());
    } catch (const Failure& failure) {
      problems.insert(problems.end(), failure.problems().begin(), failure.problems().end());
    }
  by_name_.emplace(hook.name.str(), route.get());
  hooks_.push_back(std::move(route));
}

void Routes::add_application(const config::Application& application) {
  Followed& followed = followed_[application.repository];
  if (application.ref.ends_with('*'))
    followed.prefixes.push_back(application.ref.substr(0, application.ref.size() - 1));
  else
    followed.refs.insert(application.ref);
}

const HookRoute* Routes::find(std::string_view path) const {
  if (!path.starts_with(kHooks)) return nullptr;
  const auto found = by_name_.find(path.substr(kHooks.size()));
  return found == by_name_.end() ? nullptr : found->second;
}

bool Routes::followed(const RepositoryName& repository, const Ref& ref) const {
  const auto found = followed_.find(repository);
  if (found == followed_.end()) return false;
  const Followed& followed = found->second;
  return followed.refs.contains(ref.str()) || std::ranges::any_of(followed.prefixes, [&](const auto& prefix) {
           return ref.str().starts_with(prefix);
         });
}

}  // namespace gitopsd::server
