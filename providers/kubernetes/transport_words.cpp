#include "providers/kubernetes/transport_words.h"

#include "base/file.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::string_view kDigits = "0123456789";

/// "timed out after 5001 milliseconds with 0 bytes" without " after 5001 milliseconds".
void take_out_time(std::string& text) {
  constexpr std::string_view after = " after ";
  for (auto at = text.find(after); at != text.npos; at = text.find(after, at + 1)) {
    const auto begin = at + after.size();
    const auto end = text.find_first_not_of(kDigits, begin);
    if (end == text.npos || end == begin) continue;
    for (const std::string_view unit : {" milliseconds", " ms"}) {
      if (!std::string_view(text).substr(end).starts_with(unit)) continue;
      text.erase(at, end + unit.size() - at);
      break;
    }
  }
}

}  // namespace

std::string transport_words(std::string_view said, int os_error) {
  std::string text(said);
  take_out_time(text);
  constexpr std::string_view connecting = "Failed to connect to ", general = "Couldn't connect to server";
  if (os_error == 0 || !text.starts_with(connecting) || !text.ends_with(general)) return text;
  return text.substr(connecting.size(), text.size() - connecting.size() - general.size()) +
         errno_text(os_error);
}

}  // namespace gitopsd::kubernetes
