#include "config/shape.h"

#include <algorithm>

namespace gitopsd::config {
namespace {

Value list(const std::vector<std::string>& words) {
  Value out = Value::array();
  for (const auto& word : words) out.push(word);
  return out;
}

void add_members(Value& out, const std::vector<Member>& members) {
  Value properties = Value::object();
  Value required = Value::array();
  for (const auto& member : members) {
    properties.set(member.key, json_schema(member.shape));
    if (member.required) required.push(member.key);
  }
  out.set("properties", properties);
  out.set("additionalProperties", false);
  if (!required.as_array().empty()) out.set("required", required);
}

}  // namespace

bool Shape::is(std::string_view type) const {
  return std::find(types.begin(), types.end(), type) != types.end();
}

Value json_schema(const Shape& shape) {
  Value out = Value::object();
  out.set("type", shape.types.size() == 1 ? Value(shape.types.front()) : list(shape.types));
  if (!shape.words.empty()) out.set("enum", list(shape.words));
  if (shape.minimum) out.set("minimum", *shape.minimum);
  if (shape.maximum) out.set("maximum", *shape.maximum);
  if (shape.items) out.set("items", json_schema(*shape.items));
  if (shape.min_items > 0) out.set("minItems", static_cast<std::int64_t>(shape.min_items));
  if (shape.members) add_members(out, *shape.members);
  if (shape.one_member) out.set("minProperties", 1).set("maxProperties", 1);
  return out;
}

}  // namespace gitopsd::config
