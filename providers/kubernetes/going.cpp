#include "providers/kubernetes/going.h"

#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {

bool is_going(const Value& object) {
  return object.at_pointer("/metadata/deletionTimestamp") != nullptr;
}

std::string going_text(const Value& object) {
  std::string holders;
  for (const char* list : {"/metadata/finalizers", "/spec/finalizers"})  // a Namespace has its own
    for (const Value& holder : list_at(object, list))
      if (holder.is_string()) holders += (holders.empty() ? "" : ", ") + holder.as_string();
  return "is being deleted" + (holders.empty() ? "" : ", and kept by its finalizers: " + holders);
}

}  // namespace gitopsd::kubernetes
