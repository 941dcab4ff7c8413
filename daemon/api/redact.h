// What must not leave through the API even where a configuration put it in the wrong place.
#pragma once

#include <string>

namespace gitopsd::api {

/// `https://user:password@host/` with `***` for the password; other URLs as they are.
std::string without_password(std::string url);

}  // namespace gitopsd::api
