// A declared object: read strictly, normalised so that applying it twice writes once, and marked as ours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "providers/kubernetes/discovery.h"
#include "providers/kubernetes/hook.h"
#include "providers/kubernetes/policy.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

inline constexpr const char* kManager = "gitopsd";
inline constexpr const char* kTracking = "gitopsd.io/tracking-id";       ///< annotation: OWNER/ID
inline constexpr const char* kInstallation = "gitopsd.io/installation";  ///< label, to list by

struct Manifest {
  Id id;
  std::string version;   ///< of the API, within its group
  std::string document;  ///< digest
  Value object;          ///< what is applied, but for the marks
  protocol::Options options;
  int wave = 0;
  HookSpec hook;
  bool known = false;  ///< the server has the kind
  KindInfo kind;       ///< else as a CustomResourceDefinition beside it says

  std::string path() const {
    return path_of(kind, id.type, version, kind.namespaced ? id.space : "", id.name);
  }
  std::string collection() const {
    return path_of(kind, id.type, version, kind.namespaced ? id.space : "", "");
  }
  bool secret() const { return id.type == GroupKind{"", "Secret"}; }
};

/// nullopt with at least one problem.
std::optional<Manifest> read_manifest(const protocol::Document&, const Value& defaults, const Policy&,
                                      const Kinds& server, const Kinds& defined,
                                      std::vector<protocol::WireProblem>&);
/// What a document that is refused would declare, where it says that: nothing else is to declare it
/// meanwhile.
std::optional<Id> id_meant(const Value& document, const Policy&, const Kinds& server, const Kinds& defined);

/// `INSTALLATION/APPLICATION/ID`, the value of the tracking annotation.
std::string tracking_id(const protocol::Owner&, const Id&);
/// Whose the live object is by its tracking annotation; nullopt for nobody's, and for a copy that still names
/// another object.
std::optional<protocol::Owner> owner_of(const Value& live, const Id&);

/// The body of a server-side apply: marked, and as JSON that the server's YAML reader takes as it is meant.
std::string apply_body(const Manifest&, const protocol::Owner&, const std::string& resource_version);

}  // namespace gitopsd::kubernetes
