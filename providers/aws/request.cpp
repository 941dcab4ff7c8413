#include "providers/aws/request.h"

#include <algorithm>

namespace gitopsd::aws {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

// libcurl's escaping needs a handle and knows of nothing to keep; it is these few lines.
std::string percent_encode(std::string_view text, std::string_view keep) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || keep.find(c) != keep.npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

std::string canonical_query(const Fields& query) {
  Fields encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(percent_encode(name), percent_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::string form_body(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    std::string encoded = percent_encode(value, " ");
    std::replace(encoded.begin(), encoded.end(), ' ', '+');
    out += (out.empty() ? "" : "&") + percent_encode(name) + "=" + encoded;
  }
  return out;
}

}  // namespace gitopsd::aws
