// What can be said about the thing at a path, whether seen, wanted or remembered, in one comparable form.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "providers/host/wanted.h"

namespace gitopsd::host {

/// Content is told by an HMAC under the host's own key: the digest of a short secret could be guessed.
struct Facts {
  Type type = Type::absent;
  std::string
      content;      ///< hex HMAC of a file's bytes or of a link's target; empty: not known, or a directory
  mode_t mode = 0;  ///< 07777 of files and directories
  uid_t uid = 0;    ///< of files and directories
  gid_t gid = 0;
  bool operator==(const Facts&) const = default;
};

/// `file 0644 0:0 HMAC`; also the precondition of a step. Empty text and text that is none of ours is
/// `absent`.
std::string to_text(const Facts&);
Facts facts_of(std::string_view text);

/// For people, one item a difference: "mode is 0600, wanted 0644". Empty when nothing differs that both know.
std::vector<std::string> differences(const Facts& seen, const Facts& wanted);
/// The items with commas.
std::string joined(const std::vector<std::string>& items);

/// "0644".
std::string mode_text(mode_t mode);
/// "www-data (33)", or "33" where it has no name.
std::string user_text(uid_t uid);
std::string group_text(gid_t gid);
/// The number of a user or group given by name or number; nullopt where there is none.
std::optional<uid_t> user_id(const std::string& name);
std::optional<gid_t> group_id(const std::string& name);

/// The inode's identity and times. Equal means that nobody wrote in between, except within one tick of the
/// clock.
struct Fingerprint {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0, changed = 0;  ///< ns
  bool operator==(const Fingerprint&) const = default;
};

/// What is remembered of a thing that we made. Far below 1 KiB as text.
struct Receipt {
  std::string key_id;  ///< of the key that `facts.content` was made with
  Facts facts;
  bool create_only = false;  ///< only its absence is drift
  bool sensitive = false;    ///< its content appears in no diff
};
std::string to_text(const Receipt&);
/// nullopt for text that we did not write.
std::optional<Receipt> receipt_of(std::string_view text);

}  // namespace gitopsd::host
