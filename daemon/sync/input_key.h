// The input key: the hash of everything that an application's desired state is made of (promise 5). Equal
// keys mean equal desired state, so an application whose key did not change costs only this comparison.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "daemon/source/mirror.h"

namespace gitopsd::sync {

/// Paths outside the application's own that its documents need or its renderer reads, with the object id each
/// had. Absolute ones are renderers themselves.
using OutsidePaths = std::vector<std::pair<std::string, std::string>>;
std::string encode_outside(const OutsidePaths&);
OutsidePaths decode_outside(const std::string& json);

/// Adds what a renderer read outside of the application's path: files, folders, and programs by their
/// absolute paths.
void add_reads(OutsidePaths&, const std::string& application_path, const std::set<std::string>& reads,
               const source::Snapshot&);

/// The half that comes from the repository: renderer and version, the path's object id, and those of the
/// outside paths as they are in this snapshot. Hex SHA-256.
std::string source_key(const std::string& path, const source::Snapshot&, const OutsidePaths&);
/// The half that comes from the configuration: the application's settings and its destination. Hex SHA-256.
std::string settings_key(const config::Application&, const config::Destination&);
/// The digest of the provider's render context where a chart can ask for it (a kustomization may have some
/// too); empty for plain manifests, which a kind that comes or goes does not make anew.
std::string context_of(const std::string& render_context_digest, const source::Snapshot&,
                       const config::Application&);
/// The whole: both halves and the render context, as far as it counts. Hex SHA-256.
std::string input_key(const std::string& source_key, const std::string& settings_key,
                      const std::string& context);
/// What is not tried twice: what failed under this key may do with what the destination offers since.
inline std::string tried_key(const std::string& input_key, const std::string& render_context_digest) {
  return input_key + " " + render_context_digest;
}
/// Whether `known` is the key of these halves, with this render context or as of something that is no chart.
bool is_input_key(const std::string& known, const std::string& source_key, const std::string& settings_key,
                  const std::string& render_context_digest);
/// The key as it is now. Looks into the snapshot only where it is another than `known`.
std::string input_key_now(const std::string& known, const std::string& source_key,
                          const std::string& settings_key, const std::string& render_context_digest,
                          const source::Snapshot&, const config::Application&);

}  // namespace gitopsd::sync
