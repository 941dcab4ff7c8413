// What all calls of the provider share.
#pragma once

#include <memory>

#include "providers/kubernetes/cluster.h"
#include "providers/kubernetes/live.h"
#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/owned.h"
#include "providers/kubernetes/watch.h"

namespace gitopsd::kubernetes {

struct State {
  State(const ClientConfig& config, std::string name, Credentials::Renew renew, Secret key,
        std::vector<HealthRule> rules, Watch::Changed changed, Watch::Troubled troubled)
      : cluster(config, std::move(name), std::move(renew)),
        digests(std::move(key)),
        health(std::move(rules)),
        live(cluster, digests, health),
        watch(cluster, digests, health, std::move(changed), std::move(troubled)) {}

  Cluster cluster;
  OwnedDigests digests;
  HealthJudge health;
  Live live;
  Watch watch;

  Live::Memory memory() const {
    return {[this](const Id& id) { return watch.receipt(id); },
            [this](const Id& id, Monotonic::time_point then) { return watch.moved_since(id, then); }};
  }
};

/// The kinds that the documents are made of, from memory unless it lacks one of them.
std::shared_ptr<const Kinds> kinds_for(Cluster&, const std::vector<protocol::Document>&);
/// Whether it has every kind, in the version, that the documents are of.
bool has_kinds(const Kinds&, const std::vector<protocol::Document>&);

/// A read of one object. `version` is of its API within the group; the server's choice when empty.
HttpRequest read_request(const Kinds&, const Id&, const std::string& version, const Policy&);

}  // namespace gitopsd::kubernetes
