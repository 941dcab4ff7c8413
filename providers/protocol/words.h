// The wire words of every enum. The word's place in its table is the enum's value.
#pragma once

#include <span>
#include <string_view>

#include "providers/protocol/messages.h"

namespace gitopsd::protocol {

template <class E>
struct Words {
  std::span<const std::string_view> table;
  E unknown;  ///< what a word means that this version does not know: the careful reading
};

Words<Prune> words(Prune);
Words<Drift> words(Drift);
Words<ApplyMode> words(ApplyMode);
Words<Action> words(Action);
Words<Destroys> words(Destroys);
Words<Rerun> words(Rerun);
Words<Hook> words(Hook);
Words<PlanMode> words(PlanMode);
Words<StepState> words(StepState);
Words<Live> words(Live);
Words<DriftState> words(DriftState);
Words<Health> words(Health);
Words<ApplyOutcome> words(ApplyOutcome);

template <class E>
std::string_view word_of(E value) {
  return words(value).table[static_cast<std::size_t>(value)];
}

template <class E>
E from_word(std::string_view word) {
  auto known = words(E{});
  for (std::size_t i = 0; i < known.table.size(); ++i)
    if (known.table[i] == word) return static_cast<E>(i);
  return known.unknown;
}

}  // namespace gitopsd::protocol
