#include "providers/aws/package.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "providers/aws/template_walk.h"
#include "providers/aws/zip_archive.h"

namespace gitopsd::aws {
namespace {

constexpr std::size_t kLargestArtifact = 64u
                                         << 20;  // of one file, or folder: more the daemon does not hand over
/// An object's, by S3's clock: then it is put again, so that a lifecycle rule does not take what is in use.
constexpr std::int64_t kOldAfterSeconds = std::int64_t{7} * 24 * 3600;
constexpr std::string_view kZipMagic = "PK\x03\x04";

std::string name_of_file(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

class MissingFinder {
 public:
  MissingFinder(const Stack& stack, const ArtifactsPlace& place, protocol::BlobReader& reader)
      : place_(place), walk_(stack.blobs, reader) {}

  std::vector<std::string> run(const std::string& path, const protocol::Blob& blob) {
    const std::string at = path_beside("", path);
    walk_.enter(at, nullptr, at, [&] { take(at, blob); });
    std::sort(missing_.begin(), missing_.end());
    missing_.erase(std::unique(missing_.begin(), missing_.end()), missing_.end());
    return std::move(missing_);
  }

 private:
  void take(const std::string& path, const protocol::Blob& blob) {
    const std::string text = walk_.read(blob);
    const auto root = parse_template(text);
    if (!root) return;
    for (const auto& artifact : local_artifacts(*root, path)) {
      if (place_.bucket.empty())
        throw refused_artifact(path, artifact,
                               "is of the repository, and the destination has no bucket for it",
                               "set `artifacts: {bucket: NAME}` in the destination's settings");
      const auto found = walk_.find(artifact.path);
      if (found.none()) {
        missing_.push_back(walk_.need_of(artifact.path));
      } else if (artifact.form == ArtifactForm::template_url) {
        if (!found.file) throw refused_artifact(path, artifact, "is a folder", "name a template");
        walk_.enter(artifact.path, &artifact, path, [&] { take(artifact.path, *found.file); });
      }
    }
    with_replacements(text, replacements_of(local_artifacts(*root, path)));  // that each can be replaced
  }

  static std::vector<Replacement> replacements_of(const std::vector<LocalArtifact>& artifacts) {
    std::vector<Replacement> out;
    out.reserve(artifacts.size());
    for (const auto& artifact : artifacts) out.push_back({artifact.node, ""});
    return out;
  }

  const ArtifactsPlace& place_;
  TemplateWalk walk_;
  std::vector<std::string> missing_;
};

class Packager {
 public:
  Packager(State& state, protocol::CallContext& context, const Stack& stack)
      : state_(state),
        context_(context),
        place_(state.client.settings().artifacts),
        walk_(stack.blobs, context.blobs) {}

  std::string run(const std::string& path, const protocol::Blob& blob) {
    const std::string at = path_beside("", path);
    std::string text;
    walk_.enter(at, nullptr, at, [&] { text = packaged(at, blob); });
    return text;
  }

  std::string upload_template(const std::string& text) {
    std::string key = place_.prefix + to_hex(sha256(text));
    ensure(key, [&] { return text; });
    return key;
  }

 private:
  std::string packaged(const std::string& path, const protocol::Blob& blob) {
    std::string text = walk_.read(blob);
    const auto root = parse_template(text);
    if (!root) return text;
    std::vector<Replacement> all;
    for (const auto& artifact : local_artifacts(*root, path)) {
      if (place_.bucket.empty())
        throw refused_artifact(path, artifact,
                               "is of the repository, and the destination has no bucket for it",
                               "set `artifacts: {bucket: NAME}` in the destination's settings");
      all.push_back({artifact.node, value_of(artifact, key_of(artifact, path))});
    }
    return with_replacements(text, all);
  }

  std::string key_of(const LocalArtifact& artifact, const std::string& at) {
    const auto found = walk_.find(artifact.path);
    if (found.none()) throw fail(ProblemCause::internal, "'" + artifact.path + "' was not sent");
    if (artifact.form == ArtifactForm::template_url) {
      std::string key;
      walk_.enter(artifact.path, &artifact, at,
                  [&] { key = upload_template(packaged(artifact.path, *found.file)); });
      return key;
    }
    if (!found.file) return upload_zip(found.folder);
    if (artifact.zip && !is_zip(*found.file)) return upload_zip({{name_of_file(artifact.path), found.file}});
    std::string key = place_.prefix + found.file->digest;
    ensure(key, [&] { return context_.blobs.read(*found.file, kLargestArtifact); });
    return key;
  }

  bool is_zip(const protocol::Blob& blob) {
    return context_.blobs.read(blob, kLargestArtifact).starts_with(kZipMagic);
  }

  std::string upload_zip(const std::map<std::string, const protocol::Blob*>& files) {
    std::map<std::string, std::string> digests;
    for (const auto& [path, blob] : files) digests.emplace(path, blob->digest);
    std::string key = place_.prefix + digest_of_zip(digests);
    ensure(key, [&] {
      std::map<std::string, std::string> bytes;
      for (const auto& [path, blob] : files)
        bytes.emplace(path, context_.blobs.read(*blob, kLargestArtifact));
      return make_zip(bytes);
    });
    return key;
  }

  template <class Make>
  void ensure(const std::string& key, const Make& make) {
    if (state_.uploaded.contains(key)) return;
    const auto found = state_.s3.head(place_.bucket, key, context_.cancelled);
    if (!found || found->told - found->modified > kOldAfterSeconds) {
      const NewObject object{key, {{"Content-Type", "application/octet-stream"}}, !found};
      state_.s3.put(place_.bucket, object, make(),
                    context_.cancelled);  // where another was faster, it is the same
    }
    state_.uploaded.add(key);
  }

  /// JSON is YAML, too.
  std::string value_of(const LocalArtifact& artifact, const std::string& key) const {
    switch (artifact.form) {
      case ArtifactForm::s3_url:
        return to_json("s3://" + place_.bucket + "/" + key);
      case ArtifactForm::template_url:
        return to_json(state_.s3.url(place_.bucket, key));
      case ArtifactForm::s3_bucket:
        return to_json(Value::object({{"S3Bucket", place_.bucket}, {"S3Key", key}}));
      case ArtifactForm::bucket:
        break;
    }
    return to_json(Value::object({{"Bucket", place_.bucket}, {"Key", key}}));
  }

  State& state_;
  protocol::CallContext& context_;
  const ArtifactsPlace& place_;
  TemplateWalk walk_;
};

protocol::WireProblem problem_of(const Stack& stack, const Problem& problem) {
  protocol::WireProblem out;
  out.code = "template";
  out.cause = problem.cause;
  out.message = problem.message;
  out.hint = problem.hint;
  out.document = stack.document;
  out.pointer = "/spec/template";
  out.id = id_of(stack.name).str();
  return out;
}

Failure too_large(const Stack& stack, std::size_t size, bool with_bucket) {
  const std::size_t most = with_bucket ? kLargestTemplate : kLargestBody;
  return fail(
      ProblemCause::input,
      "the template of the stack '" + stack.name + "' has " + std::to_string(size) +
          " bytes, and CloudFormation takes " + std::to_string(most),
      with_bucket
          ? "part it into nested stacks"
          : "set `artifacts: {bucket: NAME}` in the destination's settings: by way of a bucket it takes " +
                std::to_string(kLargestTemplate));
}

}  // namespace

std::vector<std::string> missing_artifacts(const Stack& stack, const ArtifactsPlace& place,
                                           protocol::BlobReader& reader,
                                           std::vector<protocol::WireProblem>& problems) {
  if (!stack.template_) return {};
  try {
    const bool any = !place.bucket.empty();
    if (stack.template_->size > (any ? kLargestTemplate : kLargestBody))
      throw too_large(stack, stack.template_->size, any);
    return MissingFinder(stack, place, reader).run(stack.template_path, *stack.template_);
  } catch (const Failure& failure) {
    if (failure.cause() != ProblemCause::input) throw;
    for (const auto& problem : failure.problems()) problems.push_back(problem_of(stack, problem));
    return {};
  }
}

PackagedTemplate package_template(State& state, protocol::CallContext& context, const Stack& stack) {
  if (!stack.template_) throw fail(ProblemCause::internal, "the template was not sent");
  const auto& place = state.client.settings().artifacts;
  Packager packager(state, context, stack);
  PackagedTemplate out{packager.run(stack.template_path, *stack.template_), {}};
  if (out.text.size() <= kLargestBody) return out;
  if (place.bucket.empty() || out.text.size() > kLargestTemplate)
    throw too_large(stack, out.text.size(), !place.bucket.empty());
  const std::string key = packager.upload_template(out.text);
  out.url = state.s3.url(place.bucket, key);
  return out;
}

std::string digest_of_zip(const std::map<std::string, std::string>& digests) {
  Hasher hasher;
  hasher.field("zip 1");  // how they are made: what changes there has to change this
  for (const auto& [path, digest] : digests) hasher.field(path).field(digest);
  return to_hex(hasher.finish());
}

}  // namespace gitopsd::aws
