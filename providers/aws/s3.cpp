#include "providers/aws/s3.h"

#include <curl/curl.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "base/hash.h"
#include "base/timestamp.h"
#include "providers/aws/xml.h"

namespace gitopsd::aws {
namespace {

constexpr std::size_t kPart = 8u << 20;  // S3's least is 5 MiB
constexpr std::size_t kMostRemoved = 1000;
constexpr int kMostListPages = 10'000;
constexpr std::string_view kMetadata = "x-amz-meta-";

std::string text_of(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw);
  return out.str();
}

/// Throws Failure (destination) for what is no such answer: a proxy's page must not read like an empty
/// bucket.
pugi::xml_node root_of(pugi::xml_document& document, const std::string& text, const std::string& wanted) {
  const auto parsed =
      document.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  const auto root = document.document_element();
  if (parsed && root.name() == wanted) return root;
  const auto said = read_error(text);
  if (!said.code.empty())  // S3 may begin its answer with success, and end it otherwise
    throw fail(ProblemCause::transient, "S3 answers " + said.message + " (" + said.code + ")");
  throw fail(ProblemCause::destination, "what answers for S3 has no <" + wanted + ">",
             "look at the proxy and the endpoint that are used");
}

/// Keys in a list are encoded, since XML cannot hold all of them; a blank may be a `+`.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto byte = from_hex(text.substr(i + 1, 2))) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

std::int64_t seconds_of(const std::string& rfc3339) {
  const auto micros = parse_rfc3339(rfc3339);
  return micros ? *micros / 1'000'000 : 0;
}

std::int64_t seconds_of_header(const std::string& date) {
  const auto seconds = ::curl_getdate(date.c_str(), nullptr);
  return seconds < 0 ? 0 : static_cast<std::int64_t>(seconds);
}

Stored stored_of(const HttpResponse& response, std::string etag) {
  const auto& encryption = response.header("x-amz-server-side-encryption");
  const bool opaque = etag.find('-') != std::string::npos || encryption.starts_with("aws:kms");
  return {std::move(etag), seconds_of_header(response.header("date")), opaque};
}

/// Whether XML 1.0 can hold the key at all.
bool fits_xml(std::string_view key) {
  return std::none_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

/// At AWS itself.
BucketAddress aws_address(const std::string& bucket, const std::string& endpoint) {
  if (bucket.find('.') != std::string::npos) return {endpoint, "/" + bucket};
  const auto host = endpoint.find("://") + 3;
  return {endpoint.substr(0, host) + bucket + "." + endpoint.substr(host), ""};
}

Request request_of(const std::string& method, const std::string& key = {}) {
  Request request;
  request.method = method;
  request.path = "/" + key;
  return request;
}

/// Gives it the body with its checksum, which DeleteObjects needs, and a bucket with Object Lock for objects
/// and their parts; nobody knows beforehand which bucket that is. The digest is the one that is signed.
std::string add_body(Request& request, std::string body) {
  request.body = std::move(body);
  const auto& digest = request.digest.emplace(sha256(request.body));
  std::string checksum = to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
  request.headers.emplace_back("x-amz-checksum-sha256", checksum);
  return checksum;
}

/// An error of one object of several.
Problem not_removed(const pugi::xml_node& error) {
  const std::string code = error.child_value("Code");
  return {is_passing(code) ? ProblemCause::transient : ProblemCause::destination,
          std::string(error.child_value("Message")) + " (" + code + ")",
          is_forbidden(code) ? "allow s3:DeleteObject in the identity's IAM policy" : "",
          {},
          {}};
}

}  // namespace

BucketAddress address_of(const std::string& bucket, const Settings& settings) {
  const std::string endpoint = endpoint_of(kS3, settings);
  return endpoint == regional_endpoint(kS3, settings) ? aws_address(bucket, endpoint)
                                                      : BucketAddress{endpoint, "/" + bucket};
}

std::string aws_url(const std::string& bucket, const std::string& key, const Settings& settings) {
  const auto address = aws_address(bucket, regional_endpoint(kS3, settings.region, {}));
  return address.base + percent_encode(address.path + "/" + key, "/");
}

bool is_bucket_name(std::string_view name) {
  const auto is_end = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && is_end(name.front()) && is_end(name.back()) &&
         name.find("..") == name.npos &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_end(c) || c == '-' || c == '.'; });
}

std::string object_arn(const std::string& bucket, const std::string& key, const Settings& settings) {
  return "arn:" + std::string(partition_of(settings.region).name) + ":s3:::" + bucket +
         (key.empty() ? "" : "/" + key);
}

HttpResponse S3::send(const std::string& action, const std::string& bucket, Request request,
                      const Cancelled& cancelled) {
  const std::string path = request.path;
  const std::string name = "s3:" + action + " of " + object_arn(bucket, path.substr(1), client_.settings());
  for (bool moved = false;; moved = true) {
    const Settings there = settings_for(bucket);
    const auto address = address_of(bucket, there);
    request.path = address.path + path;
    try {
      return client_.send(kS3, name, address.base, request, cancelled, there.region);
    } catch (const Elsewhere& elsewhere) {
      if (moved) throw;
      if (!learn(bucket, elsewhere.region().empty() ? region_of(bucket, cancelled) : elsewhere.region()))
        throw;
    } catch (const ApiError& error) {
      if (error.code() != "NoSuchBucket") throw;
      throw ApiError({ProblemCause::destination,
                      "there is no bucket '" + bucket + "'",
                      "make it first, by a stack that is named in `requires`, say",
                      {},
                      {}},
                     error.code(), error.said());
    }
  }
}

std::string S3::region_of(const std::string& bucket, const Cancelled& cancelled) {
  const Settings there = settings_for(bucket);
  const auto address = address_of(bucket, there);
  Request request = request_of("HEAD");
  request.path = address.path + request.path;
  const std::string name = "s3:ListBucket of " + object_arn(bucket, "", there);
  try {
    const auto told = client_.send(kS3, name, address.base, request, cancelled, there.region);
    return told.header("x-amz-bucket-region");
  } catch (const Elsewhere& elsewhere) {
    return elsewhere.region();
  } catch (const ApiError&) {  // what was asked at first tells more
    return {};
  }
}

Settings S3::settings_for(const std::string& bucket) const {
  Settings there = client_.settings();
  const std::lock_guard lock(mutex_);
  if (const auto found = regions_.find(bucket); found != regions_.end()) there.region = found->second;
  return there;
}

bool S3::learn(const std::string& bucket, const std::string& region) {
  // The credentials are of one partition; and a host is made of its name alone, never of what an answer says.
  if (!is_region(region) || &partition_of(region) != &partition_of(client_.settings().region)) return false;
  const std::lock_guard lock(mutex_);
  regions_[bucket] = region;
  return true;
}

std::string S3::url(const std::string& bucket, const std::string& key) const {
  return aws_url(bucket, key, settings_for(bucket));
}

std::optional<Stored> S3::put(const std::string& bucket, const NewObject& object, const std::string& body,
                              const Cancelled& cancelled) {
  if (body.size() > kOnePut) return put_in_parts(bucket, object, body, cancelled);
  Request request = request_of("PUT", object.key);
  request.headers = object.headers;
  add_body(request, body);
  if (object.only_new) request.headers.emplace_back("If-None-Match", "*");
  try {
    const auto response = send("PutObject", bucket, std::move(request), cancelled);
    return stored_of(response, response.header("etag"));
  } catch (const ApiError& error) {
    if (object.only_new && (error.code() == "PreconditionFailed" || error.code() == "HTTP 412"))
      return std::nullopt;
    throw;
  }
}

Stored S3::put_in_parts(const std::string& bucket, const NewObject& object, const std::string& body,
                        const Cancelled& cancelled) {
  Request begin = request_of("POST", object.key);
  begin.headers = object.headers;
  begin.headers.emplace_back("x-amz-checksum-algorithm", "SHA256");
  begin.query = {{"uploads", ""}};
  pugi::xml_document begun;
  const auto answer = send("PutObject", bucket, std::move(begin), cancelled);
  const std::string upload =
      root_of(begun, answer.body, "InitiateMultipartUploadResult").child_value("UploadId");
  try {
    pugi::xml_document parts;
    auto root = parts.append_child("CompleteMultipartUpload");
    for (std::size_t at = 0, number = 1; at < body.size(); at += kPart, ++number) {
      Request part = request_of("PUT", object.key);
      part.headers = {{"Content-Type", "application/octet-stream"}};
      part.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
      const std::string checksum = add_body(part, body.substr(at, kPart));
      const auto sent = send("PutObject", bucket, std::move(part), cancelled);
      auto node = root.append_child("Part");
      node.append_child("PartNumber").text().set(std::to_string(number).c_str());
      node.append_child("ETag").text().set(sent.header("etag").c_str());
      node.append_child("ChecksumSHA256").text().set(checksum.c_str());
    }
    Request end = request_of("POST", object.key);
    end.headers = {{"Content-Type", "application/xml"}};
    end.query = {{"uploadId", upload}};
    end.body = text_of(parts);
    const auto done = send("PutObject", bucket, std::move(end), cancelled);
    pugi::xml_document told;
    return stored_of(done, root_of(told, done.body, "CompleteMultipartUploadResult").child_value("ETag"));
  } catch (const Failure&) {
    Request abort = request_of("DELETE", object.key);
    abort.query = {{"uploadId", upload}};
    try {
      send("AbortMultipartUpload", bucket, std::move(abort), {});
    } catch (const Failure&) {  // parts that stay cost money, and are no reason to tell another error
    }
    throw;
  }
}

std::optional<ObjectHead> S3::head(const std::string& bucket, const std::string& key,
                                   const Cancelled& cancelled) {
  HttpResponse response;
  try {
    response = send("GetObject", bucket, request_of("HEAD", key), cancelled);
  } catch (const ApiError& error) {
    if (error.code() == "HTTP 404" || error.code() == "NoSuchKey") return std::nullopt;
    throw;
  }
  ObjectHead out;
  out.key = key;
  out.etag = response.header("etag");
  out.size = std::strtoull(response.header("content-length").c_str(), nullptr, 10);
  out.modified = seconds_of_header(response.header("last-modified"));
  out.told = seconds_of_header(response.header("date"));
  out.content_type = response.header("content-type");
  out.cache_control = response.header("cache-control");
  out.encryption = response.header("x-amz-server-side-encryption");
  out.kms_key = response.header("x-amz-server-side-encryption-aws-kms-key-id");
  for (const auto& [name, value] : response.headers)
    if (name.starts_with(kMetadata)) out.metadata[name.substr(kMetadata.size())] = value;
  return out;
}

void S3::list(const std::string& bucket, const std::string& prefix,
              const std::function<void(ObjectFacts)>& take, const Cancelled& cancelled) {
  std::string next;
  for (int page = 0; page < kMostListPages; ++page) {
    Request request = request_of("GET");
    request.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix}};
    if (!next.empty()) request.query.emplace_back("continuation-token", next);
    const auto answer = send("ListBucket", bucket, std::move(request), cancelled);
    pugi::xml_document document;
    const auto root = root_of(document, answer.body, "ListBucketResult");
    for (const auto& node : root.children("Contents"))
      take({decoded(node.child_value("Key")), node.child_value("ETag"),
            std::strtoull(node.child_value("Size"), nullptr, 10),
            seconds_of(node.child_value("LastModified"))});
    next = root.child_value("NextContinuationToken");
    if (next.empty() || std::string_view(root.child_value("IsTruncated")) != "true") return;
  }
  throw fail(ProblemCause::destination, "the list of the bucket '" + bucket + "' never ends");
}

std::vector<NotRemoved> S3::remove(const std::string& bucket, const std::vector<std::string>& keys,
                                   const Cancelled& cancelled) {
  std::vector<NotRemoved> failed;
  std::vector<std::string> page;
  for (const auto& key : keys) {
    if (!fits_xml(key)) {
      try {
        send("DeleteObject", bucket, request_of("DELETE", key), cancelled);
      } catch (const Failure& failure) {
        failed.push_back({key, failure.problems().front()});
      }
      continue;
    }
    page.push_back(key);
    if (page.size() == kMostRemoved) remove_page(bucket, std::exchange(page, {}), failed, cancelled);
  }
  if (!page.empty()) remove_page(bucket, page, failed, cancelled);
  return failed;
}

void S3::remove_page(const std::string& bucket, const std::vector<std::string>& keys,
                     std::vector<NotRemoved>& failed, const Cancelled& cancelled) {
  pugi::xml_document wanted;
  auto root = wanted.append_child("Delete");
  root.append_child("Quiet").text().set("true");
  for (const auto& key : keys)
    root.append_child("Object").append_child("Key").append_child(pugi::node_pcdata).set_value(key.c_str());
  Request request = request_of("POST");
  request.query = {{"delete", ""}};
  request.headers = {{"Content-Type", "application/xml"}};
  add_body(request, text_of(wanted));
  const auto answer = send("DeleteObject", bucket, std::move(request), cancelled);
  pugi::xml_document told;
  for (const auto& error : root_of(told, answer.body, "DeleteResult").children("Error"))
    failed.push_back({error.child_value("Key"), not_removed(error)});
}

}  // namespace gitopsd::aws
