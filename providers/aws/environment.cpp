#include "providers/aws/environment.h"

#include <cstdlib>

namespace gitopsd::aws {

std::string process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value ? value : "";
}

}  // namespace gitopsd::aws
