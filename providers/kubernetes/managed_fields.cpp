#include "providers/kubernetes/managed_fields.h"

#include <algorithm>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/manifest.h"

namespace gitopsd::kubernetes {

const Value::Array& managed_fields(const Value& object) {
  static const Value::Array none;
  const Value* metadata = object.find("metadata");
  return metadata ? metadata->get_array("managedFields") : none;
}

bool is_our_entry(const Value& entry) {
  return entry.get_string("manager") == kManager && entry.get_string("operation") == "Apply" &&
         entry.get_string("subresource").empty();
}

const Value* our_fields(const Value& object) {
  const auto& entries = managed_fields(object);
  const auto ours = std::find_if(entries.begin(), entries.end(), is_our_entry);
  const Value* fields = ours == entries.end() ? nullptr : ours->find("fieldsV1");
  return fields && fields->is_object() ? fields : nullptr;
}

const Value* node_at(const Value* fields, const FieldPath& path, std::size_t depth) {
  for (std::size_t i = 0; fields && i < depth; ++i) {
    const auto& members = fields->as_object();
    const auto it = members.find(path[i]);
    fields = it == members.end() || !it->second.is_object() ? nullptr : &it->second;
  }
  return fields;
}

bool token_names(const std::string& token, const Value& item) {
  try {
    if (token.starts_with("v:")) return parse_go_json(std::string_view(token).substr(2)) == item;
    if (!token.starts_with("k:") || !item.is_object()) return false;
    const Value keys = parse_go_json(std::string_view(token).substr(2));
    if (!keys.is_object()) return false;
    return std::all_of(keys.as_object().begin(), keys.as_object().end(), [&](const auto& key) {
      const Value* value = item.find(key.first);
      return value && *value == key.second;
    });
  } catch (const Failure&) {
    return false;
  }
}

}  // namespace gitopsd::kubernetes
