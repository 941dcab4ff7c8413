#include "providers/kubernetes/managed_fields.h"

#include <algorithm>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/manifest.h"

namespace gitopsd::kubernetes {
namespace {

void remove_below(Value& node, const FieldPath& path, std::size_t depth) {
  const auto it = node.as_object().find(path[depth]);
  if (it == node.as_object().end()) return;
  if (depth + 1 < path.size()) {
    remove_below(it->second, path, depth + 1);
    if (!it->second.as_object().empty()) return;
  }
  node.as_object().erase(it);
}

}  // namespace

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

Writer last_other(const Value& object) {
  Writer found;
  for (const Value& entry : managed_fields(object)) {
    const std::string manager = entry.get_string("manager"), time = entry.get_string("time");
    if (manager == kManager || manager.empty() || entry.get_string("subresource") == "status") continue;
    if (time >= found.time) found = {manager, time};
  }
  return found;
}

const Value* node_at(const Value* fields, const FieldPath& path, std::size_t depth) {
  for (std::size_t i = 0; fields && i < depth; ++i) {
    const auto& members = fields->as_object();
    const auto it = members.find(path[i]);
    fields = it == members.end() || !it->second.is_object() ? nullptr : &it->second;
  }
  return fields;
}

void each_leaf(const Value& node, FieldPath& path, const std::function<void(const FieldPath&)>& tell) {
  if (!node.is_object()) return;
  if (node.as_object().empty()) return tell(path);
  for (const auto& [name, child] : node.as_object()) {
    path.push_back(name);
    if (name == ".")
      tell(path);
    else
      each_leaf(child, path, tell);
    path.pop_back();
  }
}

void remove_path(Value& fields, const FieldPath& path) {
  if (!path.empty()) remove_below(fields, path, 0);
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
