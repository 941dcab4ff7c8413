// What an application's repository may do in a cluster.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "providers/kubernetes/identity.h"
#include "providers/kubernetes/ignore.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

/// policy:
///   namespaces: [web, "web-*"]      # where its resources may be; the first without a `*` is the default
///   kinds: [Deployment.apps, ...]   # optional: only these of the kinds that live in namespaces
///   clusterKinds: [Namespace, ...]  # what it may declare outside of namespaces; none when missing. Of
///                                   # Namespaces only those that `namespaces` names
///   foreignItems: keep | remove   # items that others add to lists in which it has items; kept by default
///   conflicts: force | report       # fields that others manage: taken over (default), or a problem
///   propagation: background | foreground | orphan   # of deletions
///   deleteForeign: [Namespace, ...] # or CustomResourceDefinition: deleted with all that others have in it
///   ignore: [{kind: Deployment.apps, pointers: [/spec/replicas]}]   # left as others have it, see ignore.h
///   as: {user: name, groups: [...]} # impersonated at each request
struct Policy {
  std::vector<std::string> namespaces, kinds, cluster_kinds;
  bool any_kind = true;
  bool force = true;
  bool remove_foreign_items = false;
  std::string propagation;                  ///< of deletions, in the policy's word
  std::vector<std::string> delete_foreign;  ///< kinds
  std::string user;
  std::vector<std::string> groups;
  std::vector<IgnoreRule> ignore;

  /// What is wrong is told in `problems`, with pointers into the policy and without a document.
  static Policy parse(const Value&, std::vector<protocol::WireProblem>& problems);
  /// Empty where none is named.
  std::string default_namespace() const;
  /// What forbids it, for people, and the member of the document that breaches; nullopt when it is allowed.
  struct Breach {
    std::string message, pointer, hint;
  };
  std::optional<Breach> breach(const Id&, bool namespaced) const;
  /// Whether it goes although it holds what nobody asked to delete.
  bool deletes_foreign(const GroupKind&) const;
  /// What all rules together say of it.
  Ignored ignored(const Id&) const;
  /// The headers that impersonate.
  std::vector<std::pair<std::string, std::string>> headers() const;
};

}  // namespace gitopsd::kubernetes
