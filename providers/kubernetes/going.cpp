#include "providers/kubernetes/going.h"

#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {

namespace {

constexpr std::string_view kForeground = "foregroundDeletion";

}  // namespace

std::string what_is_left(const Value& object) {
  std::string out;
  for (const Value& condition : list_at(object, "/status/conditions")) {
    const std::string type = condition.get_string("type"), message = condition.get_string("message");
    const bool tells = type.starts_with("Namespace") || type == "Terminating";
    if (tells && condition.get_string("status") == "True" && !message.empty()) out += "; " + message;
  }
  return out;
}

bool is_going(const Value& object) {
  return object.at_pointer("/metadata/deletionTimestamp") != nullptr;
}

std::string going_text(const Value& object) {
  std::string holders;
  for (const char* list : {"/metadata/finalizers", "/spec/finalizers"})  // a Namespace has its own
    for (const Value& holder : list_at(object, list))
      if (holder.is_string()) holders += (holders.empty() ? "" : ", ") + holder.as_string();
  std::string text = "is being deleted";
  if (!holders.empty()) text += ", and kept by its finalizers: " + holders;
  if (holders.find(kForeground) != holders.npos) text += " (what it owns goes first)";
  const std::string left = what_is_left(object);
  if (left.empty() && !list_at(object, "/spec/finalizers").empty())
    text += " (until all that is in it has gone)";
  return text + left;
}

}  // namespace gitopsd::kubernetes
