// An object's managedFields: who manages which of its fields, as trees of fieldsV1.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/value.h"

namespace gitopsd::kubernetes {

/// A path in fieldsV1: "f:spec", "f:ports", "k:{...}".
using FieldPath = std::vector<std::string>;

/// Empty where there are none.
const Value::Array& managed_fields(const Value& object);
/// Whether the entry is of our applies.
bool is_our_entry(const Value& entry);
/// The `fieldsV1` that we applied; nullptr where we own nothing (any more).
const Value* our_fields(const Value& object);

/// Who wrote an object, and when.
struct Writer {
  std::string manager, time;
};
/// The last but us who wrote more of it than its status; empty where there is none.
Writer last_other(const Value& object);

/// The node at the first `depth` tokens of a path below `fields`, or nullptr.
const Value* node_at(const Value* fields, const FieldPath& path, std::size_t depth);
/// Tells every leaf below a node, each with the path that the node has as its begin.
void each_leaf(const Value& node, FieldPath& path, const std::function<void(const FieldPath&)>& tell);
/// Takes a path out, and what is empty without it.
void remove_path(Value& fields, const FieldPath& path);
/// Whether a `k:{KEYS}` or `v:VALUE` token names that list item.
bool token_names(const std::string& token, const Value& item);

}  // namespace gitopsd::kubernetes
