#include "providers/aws/content_type.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace gitopsd::aws {
namespace {

struct KnownType {
  std::string_view extension, type;
};
/// https://www.iana.org/assignments/media-types, and what browsers want where that is not registered. Sorted.
constexpr std::array<KnownType, 53> kKnownTypes{{{"aac", "audio/aac"},
                                                 {"atom", "application/atom+xml"},
                                                 {"avif", "image/avif"},
                                                 {"bmp", "image/bmp"},
                                                 {"css", "text/css"},
                                                 {"csv", "text/csv"},
                                                 {"eot", "application/vnd.ms-fontobject"},
                                                 {"flac", "audio/flac"},
                                                 {"geojson", "application/geo+json"},
                                                 {"gif", "image/gif"},
                                                 {"gz", "application/gzip"},
                                                 {"htm", "text/html"},
                                                 {"html", "text/html"},
                                                 {"ico", "image/vnd.microsoft.icon"},
                                                 {"ics", "text/calendar"},
                                                 {"jar", "application/java-archive"},
                                                 {"jpeg", "image/jpeg"},
                                                 {"jpg", "image/jpeg"},
                                                 {"js", "text/javascript"},
                                                 {"json", "application/json"},
                                                 {"jsonld", "application/ld+json"},
                                                 {"map", "application/json"},
                                                 {"md", "text/markdown"},
                                                 {"mjs", "text/javascript"},
                                                 {"mp3", "audio/mpeg"},
                                                 {"mp4", "video/mp4"},
                                                 {"mpeg", "video/mpeg"},
                                                 {"oga", "audio/ogg"},
                                                 {"ogg", "audio/ogg"},
                                                 {"ogv", "video/ogg"},
                                                 {"otf", "font/otf"},
                                                 {"pdf", "application/pdf"},
                                                 {"png", "image/png"},
                                                 {"rss", "application/rss+xml"},
                                                 {"rtf", "application/rtf"},
                                                 {"svg", "image/svg+xml"},
                                                 {"tar", "application/x-tar"},
                                                 {"tif", "image/tiff"},
                                                 {"tiff", "image/tiff"},
                                                 {"toml", "application/toml"},
                                                 {"ttf", "font/ttf"},
                                                 {"txt", "text/plain"},
                                                 {"wasm", "application/wasm"},
                                                 {"wav", "audio/wav"},
                                                 {"webm", "video/webm"},
                                                 {"webmanifest", "application/manifest+json"},
                                                 {"webp", "image/webp"},
                                                 {"woff", "font/woff"},
                                                 {"woff2", "font/woff2"},
                                                 {"xhtml", "application/xhtml+xml"},
                                                 {"xml", "application/xml"},
                                                 {"yaml", "application/yaml"},
                                                 {"zip", "application/zip"}}};
static_assert(std::is_sorted(kKnownTypes.begin(), kKnownTypes.end(),
                             [](const KnownType& a, const KnownType& b) {
                               return a.extension < b.extension;
                             }));

}  // namespace

std::string content_type_of(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const auto dot = name.rfind('.');
  std::string extension(dot == name.npos ? "" : name.substr(dot + 1));
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto found = std::lower_bound(
      kKnownTypes.begin(), kKnownTypes.end(), extension,
      [](const KnownType& known, const std::string& wanted) { return known.extension < wanted; });
  return std::string(
      found != kKnownTypes.end() && found->extension == extension ? found->type : "application/octet-stream");
}

bool fits(const std::string& glob, const std::string& path) {
  const bool name_alone = glob.find('/') == std::string::npos;
  const std::string subject = name_alone ? path.substr(path.rfind('/') + 1) : path;
  return ::fnmatch(glob.c_str(), subject.c_str(), 0) == 0;
}

const std::string* longest_fit(const Globs& globs, const std::string& path) {
  const std::pair<std::string, std::string>* best = nullptr;
  for (const auto& each : globs)
    if ((!best || each.first.size() > best->first.size()) && fits(each.first, path)) best = &each;
  return best ? &best->second : nullptr;
}

}  // namespace gitopsd::aws
