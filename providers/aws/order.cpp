#include "providers/aws/order.h"

#include <algorithm>
#include <map>

namespace gitopsd::aws {
namespace {

class Sorter {
 public:
  Sorter(std::vector<Stack>& stacks, std::vector<protocol::WireProblem>& problems)
      : stacks_(stacks), problems_(problems), levels_(stacks.size(), kUnseen) {
    for (std::size_t i = 0; i < stacks.size(); ++i) by_name_.emplace(stacks[i].name, i);
  }

  std::vector<int> run() {
    for (const auto& [name, i] : by_name_) visit(i);
    std::vector<Stack> sorted;
    std::vector<int> levels;
    for (const std::size_t i : order_) {
      levels.push_back(levels_[i]);
      sorted.push_back(std::move(stacks_[i]));
    }
    stacks_ = std::move(sorted);
    return levels;
  }

 private:
  static constexpr int kUnseen = -1, kOnTheWay = -2;

  int visit(std::size_t i) {
    if (levels_[i] == kOnTheWay) return tell_circle(i), 0;
    if (levels_[i] != kUnseen) return levels_[i];
    levels_[i] = kOnTheWay;
    way_.push_back(i);
    int level = 0;
    for (const auto& name : stacks_[i].requires_)
      if (const auto found = by_name_.find(name); found != by_name_.end())
        level = std::max(level, visit(found->second) + 1);
    way_.pop_back();
    levels_[i] = level;
    order_.push_back(i);
    return level;
  }

  void tell_circle(std::size_t i) {
    const auto begin = std::find(way_.begin(), way_.end(), i);
    std::string circle;
    for (auto at = begin; at != way_.end(); ++at) circle += stacks_[*at].name + " -> ";
    circle += stacks_[i].name;
    for (auto at = begin; at != way_.end(); ++at) {
      protocol::WireProblem problem;
      problem.code = "circle";
      problem.cause = ProblemCause::input;
      problem.message = "stacks require each other in a circle: " + circle;
      problem.hint = "let one of them require none of the others";
      problem.document = stacks_[*at].document;
      problem.pointer = "/spec";
      problem.id = id_of(stacks_[*at].name).str();
      problems_.push_back(std::move(problem));
    }
  }

  std::vector<Stack>& stacks_;
  std::vector<protocol::WireProblem>& problems_;
  std::map<std::string, std::size_t> by_name_;
  std::vector<int> levels_;
  std::vector<std::size_t> way_, order_;
};

}  // namespace

std::vector<int> sort_by_requirements(std::vector<Stack>& stacks,
                                      std::vector<protocol::WireProblem>& problems) {
  return Sorter(stacks, problems).run();
}

std::vector<int> levels_of_leaving(const std::vector<std::string>& names,
                                   const std::vector<std::vector<std::string>>& required) {
  std::map<std::string_view, std::size_t> by_name;
  for (std::size_t i = 0; i < names.size(); ++i) by_name.emplace(names[i], i);
  std::vector<int> levels(names.size(), 0);
  bool moved = true;
  for (std::size_t pass = 0; moved && pass < names.size();
       ++pass) {  // they may require each other in a circle
    moved = false;
    for (std::size_t i = 0; i < names.size(); ++i)
      for (const auto& name : required[i]) {
        const auto found = by_name.find(name);
        if (found == by_name.end() || found->second == i || levels[found->second] > levels[i]) continue;
        levels[found->second] = levels[i] + 1;
        moved = true;
      }
  }
  return levels;
}

}  // namespace gitopsd::aws
