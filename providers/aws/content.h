// A folder of the repository as objects of a bucket: `kind: BucketContent`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "providers/aws/content_type.h"
#include "providers/aws/policy.h"
#include "providers/aws/request.h"
#include "providers/protocol/messages.h"

namespace gitopsd::aws {

inline constexpr std::string_view kContentKind = "BucketContent";

/// Metadata of an object that say whose it is, and what is in it.
inline constexpr std::string_view kOwnerMetadata = "gitopsd-owner";
inline constexpr std::string_view kDigestMetadata = "gitopsd-sha256";

/// Which objects beneath the prefix are deleted that the folder has not.
enum class Extra {
  keep,   ///< none
  owned,  ///< those that the application sent before
  all     ///< whoever put them there, but for those of other applications
};

/// One object as it is declared.
struct WantedObject {
  protocol::Blob blob;
  Fields headers;     ///< without those of its owner
  std::string facts;  ///< short digest of them
};

struct Content {
  std::string document;  ///< its digest
  std::string name, bucket;
  std::string prefix;  ///< empty, or with a slash at its end
  std::string folder;  ///< as `needs` names it; empty: it cannot be one
  Extra extra = Extra::owned;
  std::vector<std::string> requires_;           ///< stacks that come first
  std::map<std::string, WantedObject> objects;  ///< by key
  protocol::Options options;
  bool complete = false;  ///< the daemon has sent the folder's files
};

bool is_content(const protocol::Document&);
/// As far as it can be read; with problems, or without a bucket where it is none.
Content read_declared_content(const protocol::Document&, const Value& defaults,
                              std::vector<protocol::WireProblem>& problems);
/// nullopt, and problems, for what is none.
std::optional<Content> read_content(const protocol::Document&, const Value& defaults,
                                    std::vector<protocol::WireProblem>& problems);
Value content_schema();

/// `bucket/NAME/PREFIX`, without a slash at its end.
ResourceId id_of(const Content&);
bool is_content(const ResourceId&);

struct ContentPlace {
  std::string bucket, prefix;  ///< as Content has them
};
ContentPlace place_of(const ResourceId&);

/// `INSTALLATION/APPLICATION`, as the metadata have it.
std::string owner_mark(const protocol::Owner&);
/// What an object is sent with.
Fields headers_for(const WantedObject&, const protocol::Owner&);

/// One problem (cause permission) per offending field.
std::vector<protocol::WireProblem> breaches(const Policy&, const Content&);
/// A problem of each two that hold the same keys.
void find_overlaps(const std::vector<Content>&, std::vector<protocol::WireProblem>& problems);

}  // namespace gitopsd::aws
