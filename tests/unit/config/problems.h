// What a configuration is refused with, one line a problem.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace gitopsd::test {

/// Every problem's text, each with its newline; empty where the configuration is accepted.
inline std::string lines(const Failure& failure) {
  std::string out;
  for (const auto& problem : failure.problems()) out += problem.str() + "\n";
  return out;
}

inline std::string problems(std::string_view yaml) {
  try {
    config::parse(yaml, "c.yaml");
    return {};
  } catch (const Failure& failure) {
    return lines(failure);
  }
}

}  // namespace gitopsd::test
