// Any bytes as a configuration: it is read, or refused with problems that have a place; nothing else happens.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto read = gitopsd::config::parse({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
    for (const auto& application : read->applications) {
      // What is accepted keeps the loader's promises.
      const auto path = "/" + application.path + "/";
      if (read->repository(application.repository) == nullptr ||
          read->destination(application.destination) == nullptr || application.uid.empty() ||
          path.find("/../") != path.npos || application.path.starts_with('/')) {
        std::abort();
      }
    }
  } catch (const gitopsd::Failure& failure) {
    for (const auto& problem : failure.problems()) {
      if (problem.file != "fuzz.yaml" || problem.message.empty()) std::abort();
    }
  }
  return 0;
}
