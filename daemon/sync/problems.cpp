#include "daemon/sync/problems.h"

#include <algorithm>

namespace gitopsd::sync {

std::string describe(const std::vector<Problem>& problems) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(problems.size(), kShown); ++i) {
    text += (text.empty() ? "" : "\n") + problems[i].str();
  }
  if (problems.size() > kShown) text += "\n... and " + std::to_string(problems.size() - kShown) + " more";
  return text;
}

}  // namespace gitopsd::sync
