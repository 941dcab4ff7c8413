// What people are told of resources that others keep changing, and of those that do not converge.
#include <algorithm>

#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

/// The first of what may be very many.
constexpr std::size_t kMostTold = 20;

}  // namespace

std::string stuck_text(const std::vector<Convergence::Stuck>& stuck) {
  std::string text = "the same change of " + stuck.front().id.str();
  if (stuck.size() > 1) text += " (and of " + std::to_string(stuck.size() - 1) + " more)";
  return text + " comes back each time after it succeeded";
}

/// "somebody or something other than gitopsd (kubectl-edit, at ...) keeps changing a and 2 more at prod"
std::string contested_text(const std::vector<Contest::Fight>& fights, const DestinationName& destination) {
  const auto& first = fights.front();
  std::string text = "somebody or something other than gitopsd";
  if (!first.changer.by.empty())
    text += " (" + first.changer.by + (first.changer.at.empty() ? "" : ", at " + first.changer.at) + ")";
  text += " keeps changing " + first.id.str();
  if (fights.size() > 1) text += " and " + std::to_string(fights.size() - 1) + " more";
  return text + " at " + destination.str();
}

void tell_fights(const ApplicationLine& app, WallMicros wall, ApplicationStatus& s) {
  const auto now = Monotonic::now();
  const auto fights = app.contest.fights(now);
  s.contested.count = fights.size();
  for (std::size_t i = 0; i < std::min(fights.size(), kMostTold); ++i) {
    const auto& f = fights[i];
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(f.until - now).count();
    s.contested.first.push_back({f.id, f.changer.by, f.changer.at, f.heals, left > 0 ? wall + left : 0});
  }
  const auto stuck = app.convergence.stuck();
  s.not_converging.count = stuck.size();
  for (std::size_t i = 0; i < std::min(stuck.size(), kMostTold); ++i)
    s.not_converging.first.push_back({stuck[i].id, stuck[i].returns});
}

}  // namespace gitopsd::sync
