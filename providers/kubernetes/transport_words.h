// libcurl's words of why no answer came, as people read them.
#pragma once

#include <string>
#include <string_view>

namespace gitopsd::kubernetes {

/// Without the milliseconds that libcurl counts, so that the same failure has the same words each time. What
/// a connection failed with is the system's `os_error`, where libcurl knows it (else 0).
std::string transport_words(std::string_view said, int os_error);

}  // namespace gitopsd::kubernetes
