#include "daemon/sync/stored_plan.h"

#include "base/json.h"

namespace gitopsd::sync {

std::string encode_plan(const StoredPlan& plan) {
  Value steps = Value::array();
  for (const auto& step : plan.steps) steps.push(encode(step));
  Value json = Value::object({{"steps", std::move(steps)}});
  if (!plan.problems.empty()) {
    Value problems = Value::array();
    for (const auto& line : plan.problems) problems.push(line);
    json.set("problems", std::move(problems));
  }
  if (plan.in_part)
    json.set("in_part", Value::object({{"left_out", plan.in_part->left_out},
                                       {"tried", plan.in_part->tried},
                                       {"may_pass", plan.in_part->may_pass},
                                       {"version", plan.in_part->version}}));
  return to_json(json);
}

StoredPlan decode_plan(const std::string& json) {
  StoredPlan plan;
  if (json.empty()) return plan;
  try {
    const Value parsed = parse_json(json);
    for (const auto& step : parsed.get_array("steps"))
      plan.steps.push_back(protocol::decode_as<protocol::Step>(step));
    for (const auto& line : parsed.get_array("problems")) plan.problems.push_back(line.as_string());
    if (const Value* part = parsed.find("in_part"))
      plan.in_part = {part->get_int("left_out"), part->get_string("tried"), part->get_bool("may_pass"),
                      part->get_string("version")};
    return plan;
  } catch (const Failure&) {
    return {};
  }
}

}  // namespace gitopsd::sync
