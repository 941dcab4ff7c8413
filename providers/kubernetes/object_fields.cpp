#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {

std::string text_at(const Value& object, std::string_view pointer) {
  const Value* found = object.at_pointer(pointer);
  return found && found->is_string() ? found->as_string() : std::string();
}

std::int64_t number_at(const Value& object, std::string_view pointer, std::int64_t fallback) {
  const Value* found = object.at_pointer(pointer);
  return found && found->is_int() ? found->as_int() : fallback;
}

bool flag_at(const Value& object, std::string_view pointer) {
  const Value* found = object.at_pointer(pointer);
  return found && found->is_bool() && found->as_bool();
}

const Value::Array& list_at(const Value& object, std::string_view pointer) {
  static const Value::Array nothing;
  const Value* found = object.at_pointer(pointer);
  return found && found->is_array() ? found->as_array() : nothing;
}

std::string group_of(const Value& object) {
  const std::string version = text_at(object, "/apiVersion");
  const std::size_t slash = version.find('/');
  return slash == std::string::npos ? std::string() : version.substr(0, slash);
}

std::string Condition::str() const {
  if (reason.empty() || message.empty()) return reason + message;
  return reason + ": " + message;
}

Condition condition_of(const Value& object, std::string_view type) {
  for (const Value& item : list_at(object, "/status/conditions"))
    if (text_at(item, "/type") == type)
      return {text_at(item, "/status"), text_at(item, "/reason"), text_at(item, "/message")};
  return {};
}

}  // namespace gitopsd::kubernetes
