// Amazon S3's actions that this provider needs, typed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/aws/client.h"

namespace gitopsd::aws {

/// Larger objects are sent in parts, several requests for one object.
inline constexpr std::size_t kOnePut = 16u << 20;

/// An object as a list tells it.
struct ObjectFacts {
  std::string key, etag;  ///< the tag as it was told, in quotes
  std::uint64_t size = 0;
  std::int64_t modified = 0;  ///< seconds since 1970
};

/// The same with what it was stored with.
struct ObjectHead : ObjectFacts {
  std::map<std::string, std::string> metadata;  ///< names without `x-amz-meta-`
  std::string content_type, cache_control;
  std::string encryption, kms_key;  ///< as S3 names them: "AES256", "aws:kms"; an ARN
  std::int64_t told = 0;            ///< when, by S3's clock, in seconds since 1970
};

struct NewObject {
  std::string key;
  Fields headers;         ///< Content-Type among them
  bool only_new = false;  ///< not where another object stands; of objects sent in one request
};

/// What S3 made of it.
struct Stored {
  std::string etag;
  std::int64_t at = 0;  ///< by S3's clock, in seconds since 1970
  bool opaque = false;  ///< the tag is no digest of the bytes: sent in parts, or encrypted by KMS
};

/// Why one of several objects was not deleted.
struct NotRemoved {
  std::string key;
  Problem why;
};

/// How many objects are asked for at once.
inline constexpr std::size_t kObjectsAtOnce = 8;

/// Thread-safe. A bucket may be in any region of the destination's partition: it says so itself when it is
/// asked for at another one, and is asked there from then on.
class S3 {
 public:
  explicit S3(Client& client) : client_(client) {}

  /// nullopt: `only_new`, and something stands there.
  std::optional<Stored> put(const std::string& bucket, const NewObject&, const std::string& body,
                            const Cancelled& = {});
  /// nullopt where there is none.
  std::optional<ObjectHead> head(const std::string& bucket, const std::string& key, const Cancelled& = {});
  /// Hands on all whose keys begin with the prefix, in the order of their keys, a page of 1,000 for a
  /// request.
  void list(const std::string& bucket, const std::string& prefix,
            const std::function<void(ObjectFacts)>& take, const Cancelled& = {});
  /// Those that are not there count as deleted.
  std::vector<NotRemoved> remove(const std::string& bucket, const std::vector<std::string>& keys,
                                 const Cancelled& = {});
  /// `aws_url` of an object that was sent or asked for.
  std::string url(const std::string& bucket, const std::string& key) const;

 private:
  /// The destination's, with the bucket's region.
  Settings settings_for(const std::string& bucket) const;
  /// By a HEAD, which tells it also where no other answer does; empty where it does not.
  std::string region_of(const std::string& bucket, const Cancelled&);
  /// False where that is none of the partition.
  bool learn(const std::string& bucket, const std::string& region);
  /// `action` as IAM's policies name it.
  HttpResponse send(const std::string& action, const std::string& bucket, Request, const Cancelled&);
  Stored put_in_parts(const std::string& bucket, const NewObject&, const std::string& body, const Cancelled&);
  void remove_page(const std::string& bucket, const std::vector<std::string>& keys,
                   std::vector<NotRemoved>& failed, const Cancelled&);

  Client& client_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> regions_;  ///< of buckets that are not in the destination's
};

/// Where requests for a bucket go, and what their paths begin with: a host of the bucket's own with AWS, and
/// the bucket in the path with another endpoint, or where a dot in its name would match no certificate.
struct BucketAddress {
  std::string base, path;  ///< "https://b.s3.eu-central-1.amazonaws.com" and "", or ".../" and "/b"
};
BucketAddress address_of(const std::string& bucket, const Settings&);

/// `https://BUCKET.s3.REGION.amazonaws.com/KEY`: what CloudFormation takes for a template, whatever endpoint
/// is set; it knows no other of S3's hosts.
std::string aws_url(const std::string& bucket, const std::string& key, const Settings&);

/// The rules for names of general purpose buckets, as far as they can be told from a name alone.
bool is_bucket_name(std::string_view);

/// `arn:aws:s3:::bucket/key`
std::string object_arn(const std::string& bucket, const std::string& key, const Settings&);

}  // namespace gitopsd::aws
