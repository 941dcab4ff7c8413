// Where a path is on the real host: a folder, opened beneath the allowed prefix without following a link, and
// a name.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/secret.h"
#include "providers/host/facts.h"

namespace gitopsd::host {

struct Place {
  Fd folder;
  std::string name;
  std::string path;  ///< for messages
};

/// Opens the folder that holds `path`; `prefix` is the policy's, which the administrator trusts, so that
/// links in it are followed. nullopt when a folder on the way does not exist or is a file. Throws Failure for
/// everything else: conflict when a symbolic link is on the way, destination when the prefix itself does
/// not exist.
std::optional<Place> open_place(const std::string& prefix, const std::string& path);

/// Whether nothing is where the policy allows something. Throws Failure when that cannot be told.
bool prefix_is_missing(const std::string& prefix);

/// What is there. `facts.content` is filled in where `key` is given.
struct Seen {
  Facts facts;
  Fingerprint fingerprint;
  std::string target;  ///< of a link
  std::string sha256;  ///< plain, of a file's bytes, where `key` was given
};
/// Throws Failure (destination) when it cannot be told; never reads that as absent.
Seen look(const Place& place, const Secret* key);

/// A file's first bytes, at most `limit`; nullopt when it is no regular file (any more) or has more.
std::optional<std::string> read_bounded(const Place& place, std::size_t limit);

/// Hex HMAC of content under the host's key.
std::string content_mac(const Secret& key, std::string_view bytes);

}  // namespace gitopsd::host
