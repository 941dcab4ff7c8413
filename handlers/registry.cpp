#include <array>

#include "handlers/github.h"
#include "handlers/gitlab.h"
#include "handlers/handler.h"

namespace gitopsd::handlers {
namespace {

// One line a forge, sorted by its word.
using Make = const Handler& (*)();
constexpr std::array<Make, 2> kForges{
    github,
    gitlab,
};

}  // namespace

const Handler* find_handler(std::string_view forge) {
  for (const Make make : kForges)
    if (make().forge() == forge) return &make();
  return nullptr;
}

std::vector<std::string> forges() {
  std::vector<std::string> words;
  words.reserve(std::size(kForges));
  for (const Make make : kForges) words.emplace_back(make().forge());
  return words;
}

}  // namespace gitopsd::handlers
