// The keys of the configuration: one table per type, one line per key. The loader reads by them, "did you
// mean" suggests from them, and a test holds the JSON Schema against them.
#pragma once

#include "config/rules.h"

namespace gitopsd::config {

const Fields<Config>& config_fields();
const Fields<Server>& server_fields();
const Fields<Metrics>& metrics_fields();
const Fields<Api>& api_fields();
const Fields<Store>& store_fields();
const Fields<Renderers>& renderers_fields();
const Fields<Hook>& hook_fields();
const Fields<Repository>& repository_fields();
const Fields<Destination>& destination_fields();
const Fields<Application>& application_fields();

// How an application's path is rendered: the members of the same names.
Rule<Application> kustomize_rule();
Rule<Application> helm_rule();
Rule<Application> substitute_rule();

// What no single key tells.
void check_hook(Reader&, const Value&, Hook&);
void check_repository(Reader&, const Value&, Repository&);
void check_destination(Reader&, const Value&, Destination&);
void check_application(Reader&, const Value&, Application&);
/// After all files are read.
void check_server(Reader&, const Config&);

inline constexpr std::size_t kLeastHookSecret = 16;  ///< bytes

/// A reference to a secret of at least that many bytes, for lists.
Rule<SecretRef> secret_item(std::size_t least_bytes);

}  // namespace gitopsd::config
