// What a process is told from outside, as tests tell it otherwise.
#pragma once

#include <functional>
#include <string>

#include "providers/aws/http.h"

namespace gitopsd::aws {

/// The value of an environment variable; empty where it is not set.
using Environment = std::function<std::string(const std::string& name)>;
std::string process_environment(const std::string& name);

/// One request for credentials, of a service beside AWS's APIs. Throws Failure where no answer comes.
using Fetch = std::function<HttpResponse(const std::string& method, const std::string& url,
                                         const Fields& headers, const std::string& body)>;

}  // namespace gitopsd::aws
