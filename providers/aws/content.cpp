#include "providers/aws/content.h"

#include <algorithm>

#include "base/hash.h"
#include "base/utf8.h"
#include "providers/aws/s3.h"
#include "providers/aws/stack.h"
#include "providers/protocol/spec_reader.h"

namespace gitopsd::aws {
namespace {

using protocol::SpecReader;
using protocol::WireProblem;

constexpr std::string_view kContentPrefix = "bucket/";
constexpr std::size_t kLongestKey = 1024, kLongestId = 512;
const std::vector<std::string> kFields{"bucket",       "prefix",     "folder", "exclude", "contentTypes",
                                       "cacheControl", "encryption", "kmsKey", "delete",  "requires"};

/// How each object is sent, before it is known which there are.
struct Rules {
  Globs types, cache;
  std::vector<std::string> exclude;
  std::string encryption, kms_key;
};

/// No line end and nothing else that would end a header.
bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

void read_prefix(SpecReader& spec, Content& content) {
  std::string prefix = spec.text("prefix").value_or("");
  while (prefix.ends_with('/')) prefix.pop_back();
  if (prefix.empty()) return;
  if (prefix.starts_with('/') || prefix.find("//") != prefix.npos)
    spec.problem("prefix", "'" + prefix + "' has an empty part", "write it like docs/v2");
  for (std::size_t at = 0; at < prefix.size();) {
    const auto end = std::min(prefix.find('/', at), prefix.size());
    if (const auto part = prefix.substr(at, end - at); part == "." || part == "..")
      spec.problem("prefix", "'" + part + "' is no part of a prefix", "write it like docs/v2");
    at = end + 1;
  }
  content.prefix = prefix + "/";
}

/// A mapping of globs, or one value for all.
Globs read_globs(SpecReader& spec, const std::string& key, bool or_text) {
  Globs out;
  const Value* value = spec.member(key);
  if (!value) return out;
  if (or_text && value->is_string()) {
    out.emplace_back("*", value->as_string());
  } else if (value->is_object()) {
    for (const auto& [glob, text] : value->as_object()) {
      if (text.is_string() && !glob.empty())
        out.emplace_back(glob, text.as_string());
      else
        spec.problem(
            key, "'" + glob + "' of '" + key + "' must be a string, found " + std::string(text.type_name()));
    }
  } else {
    spec.problem(key, "'" + key + "' must be a mapping of globs, found " + std::string(value->type_name()),
                 or_text ? "or one text for all: \"max-age=300\"" : "like {\"*.wasm\": application/wasm}");
  }
  for (const auto& [glob, text] : out)
    if (!is_header_value(text)) spec.problem(key, "'" + text + "' cannot be the value of a header");
  return out;
}

void read_encryption(SpecReader& spec, Rules& rules) {
  const std::string word = spec.text("encryption").value_or("none");
  if (word == "AES256" || word == "aws:kms")
    rules.encryption = word;
  else if (word != "none")
    spec.problem("encryption", "'" + word + "' is no encryption",
                 "use AES256, aws:kms, or none for what the bucket does by itself");
  rules.kms_key = spec.text("kmsKey").value_or("");
  if (!rules.kms_key.empty() && rules.encryption != "aws:kms")
    spec.problem("kmsKey", "'kmsKey' is of `encryption: aws:kms` alone", "set that, or leave this out");
  if (!is_header_value(rules.kms_key)) spec.problem("kmsKey", "'kmsKey' is no id or ARN of a key");
}

void read_extra(SpecReader& spec, Content& content) {
  const std::string word = spec.text("delete").value_or("owned");
  if (word == "all")
    content.extra = Extra::all;
  else if (word == "none")
    content.extra = Extra::keep;
  else if (word != "owned")
    spec.problem("delete", "'" + word + "' is no value of 'delete'",
                 "use owned (what was sent before), all (whatever is beneath the prefix) or none");
}

/// Without empty ones, which no HTTP library sends.
Fields headers_of(const Rules& rules, const std::string& path) {
  const auto rule = [&](const Globs& globs) {
    const std::string* found = longest_fit(globs, path);
    return found ? *found : std::string();
  };
  const std::string type = rule(rules.types), cache = rule(rules.cache);
  Fields out{{"Content-Type", type.empty() ? content_type_of(path) : type}};
  if (!cache.empty()) out.emplace_back("Cache-Control", cache);
  if (!rules.encryption.empty()) out.emplace_back("x-amz-server-side-encryption", rules.encryption);
  if (!rules.kms_key.empty()) out.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", rules.kms_key);
  return out;
}

std::string digest_of(const Fields& headers) {
  Hasher hasher;
  for (const auto& [name, value] : headers) hasher.field(name).field(value);
  return to_hex(hasher.finish()).substr(0, 16);
}

bool is_excluded(const Rules& rules, const std::string& path) {
  return std::any_of(rules.exclude.begin(), rules.exclude.end(),
                     [&](const std::string& glob) { return fits(glob, path); });
}

/// Few files are sent otherwise than the one before.
class FactsOf {
 public:
  const std::string& of(const Fields& headers) {
    if (facts_.empty() || headers != headers_) facts_ = digest_of(headers_ = headers);
    return facts_;
  }

 private:
  Fields headers_;
  std::string facts_;
};

void read_files(SpecReader& spec, const protocol::Document& document, const Rules& rules, Content& content) {
  const auto folder = spec.needed_text("folder");
  if (!folder) return;
  std::string below = *folder;
  while (below.ends_with('/')) below.pop_back();
  if (below.empty())
    return spec.problem("folder", "'folder' must name a folder of the repository",
                        "relative to the application's path, or from the repository's root with a leading /");
  FactsOf facts;
  for (const auto& found : document.blobs) {
    if (found.path == below)
      return spec.problem("folder", "'" + *folder + "' is a file", "name the folder that it is in");
    if (!found.path.starts_with(below + "/")) continue;
    content.complete = true;
    const std::string path = found.path.substr(below.size() + 1);
    if (is_excluded(rules, path)) continue;
    const std::string key = content.prefix + path;
    if (key.size() > kLongestKey || !is_utf8(key))
      spec.problem("folder",
                   "the file '" + path + "' cannot be an object: its key has " + std::to_string(key.size()) +
                       " bytes" + (is_utf8(key) ? "" : " that are not UTF-8"),
                   "a key has at most 1,024 bytes of UTF-8; give the file another name, or `exclude` it");
    WantedObject object{found.blob, headers_of(rules, path), {}};
    object.facts = facts.of(object.headers);
    content.objects.emplace(key, std::move(object));
  }
  content.folder = *folder;
  if (content.complete && content.objects.empty())
    spec.problem("exclude", "nothing is left of '" + *folder + "'",
                 "a bucket's content has at least one file");
}

void read_spec(SpecReader& spec, const protocol::Document& document, Content& content) {
  spec.allow(kFields);
  if (const auto bucket = spec.needed_text("bucket")) {
    content.bucket = *bucket;
    if (!is_bucket_name(*bucket))
      spec.problem("bucket", "'" + *bucket + "' is no name of a bucket",
                   "it has 3 to 63 lower-case letters, digits, hyphens and dots");
  }
  Rules rules;
  read_prefix(spec, content);
  rules.types = read_globs(spec, "contentTypes", false);
  rules.cache = read_globs(spec, "cacheControl", true);
  rules.exclude = spec.texts("exclude", "globs");
  read_encryption(spec, rules);
  read_extra(spec, content);
  content.requires_ = spec.texts("requires", "stacks' names");
  read_files(spec, document, rules, content);
  if (id_of(content).str().size() > kLongestId)
    spec.problem("prefix",
                 "'prefix' is longer than " + std::to_string(kLongestId) + " bytes with the bucket's name");
}

WireProblem problem_of(const Content& content, std::string code, ProblemCause cause, std::string pointer,
                       std::string message, std::string hint) {
  WireProblem problem;
  problem.code = std::move(code);
  problem.cause = cause;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.document = content.document;
  problem.pointer = std::move(pointer);
  problem.id = id_of(content).str();
  return problem;
}

}  // namespace

bool is_content(const protocol::Document& document) {
  const Value* kind = document.json.is_object() ? document.json.find("kind") : nullptr;
  return kind && kind->is_string() && kind->as_string() == kContentKind;
}

Content read_declared_content(const protocol::Document& document, const Value& defaults,
                              std::vector<WireProblem>& problems) {
  Content content;
  content.document = document.digest;
  SpecReader top(&document.json, "", document.digest, problems);
  top.allow({"apiVersion", "kind", "metadata", "spec"});
  if (const auto version = top.needed_text("apiVersion"); version && *version != kApiVersion)
    top.problem("apiVersion", "unknown apiVersion '" + *version + "'",
                "AWS understands " + std::string(kApiVersion));
  SpecReader metadata(top.member("metadata"), "/metadata", document.digest, problems);
  metadata.allow({"name", "labels", "annotations"});
  content.name = metadata.needed_text("name").value_or("");
  content.options = protocol::read_options(metadata, defaults, document.digest, problems);
  SpecReader spec(top.member("spec"), "/spec", document.digest, problems);
  read_spec(spec, document, content);
  return content;
}

std::optional<Content> read_content(const protocol::Document& document, const Value& defaults,
                                    std::vector<WireProblem>& problems) {
  const std::size_t before = problems.size();
  Content content = read_declared_content(document, defaults, problems);
  if (problems.size() != before) return std::nullopt;
  return content;
}

ResourceId id_of(const Content& content) {
  std::string id = std::string(kContentPrefix) + content.bucket;
  if (!content.prefix.empty()) id += "/" + content.prefix.substr(0, content.prefix.size() - 1);
  return ResourceId(id);
}

bool is_content(const ResourceId& id) {
  return id.str().starts_with(kContentPrefix);
}

ContentPlace place_of(const ResourceId& id) {
  const std::string rest = id.str().substr(kContentPrefix.size());
  const auto slash = rest.find('/');
  return slash == rest.npos ? ContentPlace{rest, ""}
                            : ContentPlace{rest.substr(0, slash), rest.substr(slash + 1) + "/"};
}

std::string owner_mark(const protocol::Owner& owner) {
  return owner.installation + "/" + owner.application;
}

Fields headers_for(const WantedObject& object, const protocol::Owner& owner) {
  Fields out = object.headers;
  out.emplace_back("x-amz-meta-" + std::string(kOwnerMetadata), owner_mark(owner));
  out.emplace_back("x-amz-meta-" + std::string(kDigestMetadata), object.blob.digest);
  return out;
}

std::vector<WireProblem> breaches(const Policy& policy, const Content& content) {
  std::vector<WireProblem> out;
  if (!policy.allows_content(content.bucket, content.prefix))
    out.push_back(problem_of(content, "policy", ProblemCause::permission, "/spec/bucket",
                             "the policy does not allow '" + content.bucket + "/" + content.prefix + "'",
                             "`buckets` allows: " + listed(policy.buckets)));
  if (content.extra == Extra::all && !policy.allows_emptying(content.bucket, content.prefix))
    out.push_back(problem_of(content, "policy", ProblemCause::permission, "/spec/delete",
                             "the policy does not allow to delete what others put beneath '" +
                                 content.bucket + "/" + content.prefix + "'",
                             "`exclusive` allows it for: " + listed(policy.exclusive)));
  return out;
}

void find_overlaps(const std::vector<Content>& all, std::vector<WireProblem>& problems) {
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const Content &one = all[i], &other = all[j];
      if (one.bucket != other.bucket ||
          !(one.prefix.starts_with(other.prefix) || other.prefix.starts_with(one.prefix)))
        continue;
      problems.push_back(problem_of(one, "clash", ProblemCause::input, "/spec/prefix",
                                    "the BucketContents '" + other.name + "' and '" + one.name +
                                        "' overlap in the bucket '" + one.bucket + "'",
                                    "give each a prefix of its own, or make them one"));
    }
}

Value content_schema() {
  const Value text = Value::object({{"type", "string"}});
  const Value texts = Value::object({{"type", "object"}, {"additionalProperties", text}});
  const Value list = Value::object({{"type", "array"}, {"items", text}});
  const auto one_of = [](std::initializer_list<const char*> words) {
    Value all = Value::array();
    for (const char* word : words) all.push(word);
    return Value::object({{"enum", std::move(all)}});
  };
  Value spec = Value::object({{"type", "object"},
                              {"additionalProperties", false},
                              {"required", Value::array().push("bucket").push("folder")}});
  spec.set("properties",
           Value::object({{"bucket", text},
                          {"prefix", text},
                          {"folder", text},
                          {"exclude", list},
                          {"contentTypes", texts},
                          {"cacheControl", Value::object({{"anyOf", Value::array().push(text).push(texts)}})},
                          {"encryption", one_of({"none", "AES256", "aws:kms"})},
                          {"kmsKey", text},
                          {"delete", one_of({"owned", "all", "none"})},
                          {"requires", list}}));
  return declared_schema(kContentKind, std::move(spec));
}

}  // namespace gitopsd::aws
