#include "providers/protocol/words.h"

#include <array>

namespace gitopsd::protocol {
namespace {

using Word = std::string_view;
constexpr std::array<Word, 3> kPrune{"auto", "confirm", "never"};
constexpr std::array<Word, 3> kDrift{"heal", "report", "ignore"};
constexpr std::array<Word, 3> kApplyMode{"merge", "create-only", "replace"};
constexpr std::array<Word, 8> kAction{"none",   "create", "update", "replace",
                                      "delete", "adopt",  "run",    "release"};
constexpr std::array<Word, 3> kDestroys{"nothing", "restart", "data"};
constexpr std::array<Word, 3> kRerun{"check", "safe", "hold"};
constexpr std::array<Word, 5> kHook{"none", "pre", "sync", "post", "fail"};
constexpr std::array<Word, 4> kPlanMode{"changed", "full", "heal", "delete"};
constexpr std::array<Word, 6> kStepState{"unknown", "begun", "done", "skipped", "failed", "waiting"};
constexpr std::array<Word, 4> kLive{"unknown", "ours", "foreign", "absent"};
constexpr std::array<Word, 3> kDriftState{"unknown", "no", "yes"};
constexpr std::array<Word, 6> kHealth{"unknown",  "healthy",   "progressing",
                                      "degraded", "suspended", "missing"};
constexpr std::array<Word, 4> kOutcome{"failed", "done", "stale", "cancelled"};

}  // namespace

Words<Prune> words(Prune) {
  return {kPrune, Prune::confirm};
}
Words<Drift> words(Drift) {
  return {kDrift, Drift::report};
}
Words<ApplyMode> words(ApplyMode) {
  return {kApplyMode, ApplyMode::merge};
}
Words<Action> words(Action) {
  return {kAction, Action::run};
}
Words<Destroys> words(Destroys) {
  return {kDestroys, Destroys::data};
}
Words<Rerun> words(Rerun) {
  return {kRerun, Rerun::check};
}
Words<Hook> words(Hook) {
  return {kHook, Hook::none};
}
Words<PlanMode> words(PlanMode) {
  return {kPlanMode, PlanMode::changed};
}
Words<StepState> words(StepState) {
  return {kStepState, StepState::unknown};
}
Words<Live> words(Live) {
  return {kLive, Live::unknown};
}
Words<DriftState> words(DriftState) {
  return {kDriftState, DriftState::unknown};
}
Words<Health> words(Health) {
  return {kHealth, Health::unknown};
}
Words<ApplyOutcome> words(ApplyOutcome) {
  return {kOutcome, ApplyOutcome::failed};
}

std::string_view to_string(Action e) {
  return word_of(e);
}
std::string_view to_string(Live e) {
  return word_of(e);
}
std::string_view to_string(DriftState e) {
  return word_of(e);
}
std::string_view to_string(Health e) {
  return word_of(e);
}
std::string_view to_string(StepState e) {
  return word_of(e);
}
std::string_view to_string(Destroys e) {
  return word_of(e);
}
std::string_view to_string(Prune e) {
  return word_of(e);
}
std::string_view to_string(Drift e) {
  return word_of(e);
}
std::string_view to_string(Hook e) {
  return word_of(e);
}

}  // namespace gitopsd::protocol
