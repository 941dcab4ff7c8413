#include "daemon/sync/convergence.h"

#include <algorithm>

namespace gitopsd::sync {
namespace {
constexpr int kReturns = 3;
}

std::vector<ResourceId> Convergence::succeeded(const Repetition& sync) {
  std::vector<ResourceId> found;
  for (const auto& id : sync.handled) {
    const auto change = sync.again.find(id);
    if (change == sync.again.end()) {
      records_.erase(id);
      continue;
    }
    Record& record = records_[id];
    const bool somebody_else = !record.unlike && record.differed;
    const bool came_back = record.change == change->second && !somebody_else;
    record.returns = came_back ? record.returns + 1 : 0;
    record.change = change->second;
    record.unlike = sync.unlike.contains(id);
    record.differed = false;
    if (record.returns == kReturns) found.push_back(id);
  }
  return found;
}

void Convergence::looked(const std::vector<ResourceId>& differing, const std::vector<ResourceId>* asked) {
  const auto in = [](const std::vector<ResourceId>& ids, const ResourceId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  for (auto it = records_.begin(); it != records_.end();) {
    auto& [id, record] = *it;
    const bool differs = in(differing, id);
    if (differs) record.differed = true;
    const bool as_it_should_be = record.unlike && !differs && (!asked || in(*asked, id));
    it = as_it_should_be ? records_.erase(it) : std::next(it);
  }
}

std::vector<Convergence::Stuck> Convergence::stuck() const {
  std::vector<Stuck> found;
  for (const auto& [id, record] : records_) {
    if (record.returns >= kReturns) found.push_back({id, record.returns});
  }
  return found;
}

bool Convergence::settle() {
  const bool any = !stuck().empty();
  records_.clear();
  return any;
}

}  // namespace gitopsd::sync
