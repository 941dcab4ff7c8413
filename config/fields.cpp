#include "config/fields.h"

namespace gitopsd::config {
namespace {

template <class M>
Field<Config> things(std::string key, std::vector<M> Config::*member, const Fields<M>& fields, Check<M> check,
                     const std::string& thing) {
  return {std::move(key),
          list(member, "a list of " + thing + "s", object_item(fields, "a " + thing, std::move(check)))};
}

}  // namespace

const Fields<Config>& config_fields() {
  static const Fields<Config> fields{
      {"server", section(&Config::server, server_fields(), "the settings of the HTTPS server")},
      {"metrics", section(&Config::metrics, metrics_fields(), "the settings of the metrics listener")},
      {"api", section(&Config::api, api_fields(), "the settings of the operator's API")},
      {"store", section(&Config::store, store_fields(), "the settings of the store")},
      {"renderers", section(&Config::renderers, renderers_fields(), "the settings of kustomize and Helm")},
      things("hooks", &Config::hooks, hook_fields(), Check<Hook>(check_hook), "hook"),
      things("repositories", &Config::repositories, repository_fields(), Check<Repository>(check_repository),
             "repository"),
      things("destinations", &Config::destinations, destination_fields(),
             Check<Destination>(check_destination), "destination"),
      things("applications", &Config::applications, application_fields(),
             Check<Application>(check_application), "application"),
  };
  return fields;
}

}  // namespace gitopsd::config
