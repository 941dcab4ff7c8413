#include "providers/host/wanted.h"

#include "base/hash.h"
#include "providers/host/path.h"
#include "providers/protocol/spec_reader.h"

namespace gitopsd::host {
namespace {

using protocol::SpecReader;
using protocol::WireProblem;

constexpr std::size_t kMaxTarget = 4095;
const std::vector<std::string> kKinds{"File", "Directory", "Symlink"};

void read_path(SpecReader& spec, Wanted& wanted) {
  auto path = spec.needed_text("path");
  if (!path) return;
  wanted.path = *path;
  std::string fault = path_fault(*path);
  if (!fault.empty()) spec.problem("path", "'" + *path + "' " + fault, "write it like /srv/site/index.html");
}

void read_mode(SpecReader& spec, Wanted& wanted, mode_t fallback) {
  wanted.mode = fallback;
  constexpr const char* kHint =
      "write it in quotes, mode: \"0644\", since YAML reads a bare 0644 as the number 420";
  if (const Value* value = spec.member("mode"); value && !value->is_string())
    return spec.problem("mode", "'mode' must be a string, found " + std::string(value->type_name()), kHint);
  auto text = spec.text("mode");
  if (!text) return;
  mode_t mode = 0;
  for (char c : *text) {
    if (c < '0' || c > '7' || text->size() > 4 || text->size() < 3)
      return spec.problem("mode", "'" + *text + "' is no mode of three or four octal digits", kHint);
    mode = mode * 8 + static_cast<mode_t>(c - '0');
  }
  if (text->empty()) return spec.problem("mode", "'mode' is empty", kHint);
  wanted.mode = mode;
}

void read_owner(SpecReader& spec, Wanted& wanted) {
  for (auto [key, name] : {std::pair{"owner", &wanted.owner}, std::pair{"group", &wanted.group}}) {
    auto text = spec.text(key);
    if (!text) continue;
    if (text->empty())
      spec.problem(key, std::string("'") + key + "' is empty", "leave it out for the default");
    *name = *text;
  }
}

void read_content(SpecReader& spec, const protocol::Document& document, Wanted& wanted) {
  int given = spec.has("content") + spec.has("contentBase64") + spec.has("source");
  if (given != 1)
    return spec.problem(
        "",
        given == 0 ? "a File needs its content"
                   : "a File has one of content, contentBase64 and source, not several",
        "give exactly one of content, contentBase64 and source; `content: \"\"` is an empty file");
  if (auto text = spec.text("content")) wanted.content = *text;
  if (auto text = spec.text("contentBase64")) {
    auto bytes = from_base64(*text);
    if (!bytes)
      spec.problem("contentBase64", "'contentBase64' is not base64 (RFC 4648 section 4, with padding)");
    if (bytes) wanted.content = std::move(*bytes);
  }
  auto source = spec.text("source");
  if (!source) return;
  if (source->empty() || source->ends_with('/'))
    return spec.problem("source", "'source' must name a file of the repository",
                        "relative to the application's path, or from the repository's root with a leading /");
  wanted.source = *source;
  for (const auto& found : document.blobs) {
    if (found.path == *source) wanted.blob = found.blob;
    if (found.path.starts_with(*source + "/"))
      return spec.problem("source", "'" + *source + "' is a folder", "a File's source is one file");
  }
}

void read_file(SpecReader& spec, const protocol::Document& document, Wanted& wanted) {
  spec.allow({"path", "content", "contentBase64", "source", "mode", "owner", "group", "sensitive"});
  wanted.type = Type::file;
  read_path(spec, wanted);
  read_mode(spec, wanted, 0644);
  read_owner(spec, wanted);
  read_content(spec, document, wanted);
  wanted.sensitive = spec.flag("sensitive", false);
}

void read_directory(SpecReader& spec, Wanted& wanted) {
  spec.allow({"path", "mode", "owner", "group", "purge"});
  wanted.type = Type::directory;
  read_path(spec, wanted);
  read_mode(spec, wanted, 0755);
  read_owner(spec, wanted);
  if (spec.flag("purge", false))
    spec.problem("purge", "purging what is not declared is not supported",
                 "only what an application created or adopted is ever deleted; leave `purge` out");
}

void read_symlink(SpecReader& spec, Wanted& wanted) {
  spec.allow({"path", "target"});
  wanted.type = Type::symlink;
  wanted.mode = 0777;
  read_path(spec, wanted);
  auto target = spec.needed_text("target");
  if (!target) return;
  if (target->empty() || target->size() > kMaxTarget || target->find('\0') != std::string::npos)
    spec.problem("target", "'target' must have 1 to 4095 bytes and no NUL");
  wanted.target = *target;
}

}  // namespace

std::string_view to_string(Type type) {
  switch (type) {
    case Type::absent:
      return "absent";
    case Type::file:
      return "file";
    case Type::directory:
      return "directory";
    case Type::symlink:
      return "symlink";
    case Type::other:
      break;
  }
  return "special file";
}

std::optional<Wanted> read_document(const protocol::Document& document, const Value& defaults,
                                    std::vector<WireProblem>& problems) {
  const std::size_t before = problems.size();
  Wanted wanted;
  wanted.document = document.digest;
  SpecReader top(&document.json, "", document.digest, problems);
  if (!document.json.is_object()) return std::nullopt;
  top.allow({"apiVersion", "kind", "metadata", "spec"});
  auto version = top.needed_text("apiVersion");
  if (version && *version != kApiVersion)
    top.problem("apiVersion", "unknown apiVersion '" + *version + "'",
                "a host understands " + std::string(kApiVersion));
  auto kind = top.needed_text("kind");

  SpecReader metadata(top.member("metadata"), "/metadata", document.digest, problems);
  metadata.allow({"name", "labels", "annotations"});
  auto name = metadata.needed_text("name");
  if (name && name->empty()) metadata.problem("name", "'name' is empty");
  wanted.options = protocol::read_options(metadata, defaults, wanted.document, problems);

  if (kind) {
    SpecReader spec(top.member("spec"), "/spec", document.digest, problems);
    if (*kind == "File")
      read_file(spec, document, wanted);
    else if (*kind == "Directory")
      read_directory(spec, wanted);
    else if (*kind == "Symlink")
      read_symlink(spec, wanted);
    else {
      auto near = did_you_mean(*kind, kKinds);
      top.problem("kind", "unknown kind '" + *kind + "'",
                  near.empty() ? "a host knows File, Directory and Symlink" : "did you mean '" + near + "'?");
    }
    wanted.kind = *kind;
  }
  if (problems.size() != before) {
    const bool told = !wanted.path.empty() && path_fault(wanted.path).empty();
    for (std::size_t i = before; told && i < problems.size(); ++i) problems[i].id = id_of(wanted.path).str();
    return std::nullopt;
  }
  wanted.name = *name;
  return wanted;
}

}  // namespace gitopsd::host
