// What annotations say that gitopsd reads, held against the words that there are: a misspelt one would let go
// in silence of what somebody meant to protect.
#pragma once

#include <string>
#include <vector>

#include "base/value.h"

namespace gitopsd::kubernetes {

struct AnnotationFault {
  std::string key, message, hint;
};

/// Of ours every word is known. Of Argo CD's sync options those that it has itself, also what has no meaning
/// here.
std::vector<AnnotationFault> annotation_faults(const Value& annotations);

}  // namespace gitopsd::kubernetes
