#include "providers/kubernetes/in_place_of.h"

namespace gitopsd::kubernetes {
namespace {

Value merged(const Value& probe, const Value& live, const Value* declared) {
  if (probe.is_object() && live.is_object()) {
    Value out = Value::object();
    for (const auto& [name, value] : probe.as_object()) {
      const Value* before = live.find(name);
      const Value* written = declared && declared->is_object() ? declared->find(name) : nullptr;
      out.set(name, before ? merged(value, *before, written) : value);
    }
    return out;
  }
  if (declared && declared->is_array() && probe.is_array() && live.is_array() &&
      declared->as_array().size() == probe.as_array().size()) {
    static const Value none;
    Value out = Value::array();
    for (std::size_t i = 0; i < probe.as_array().size(); ++i) {
      const bool both = i < live.as_array().size();
      out.push(merged(probe.as_array()[i], both ? live.as_array()[i] : none, &declared->as_array()[i]));
    }
    return out;
  }
  return declared || live.is_null() ? probe : live;
}

}  // namespace

Value in_place_of(const Value& probe, const Value& live, const Value& declared) {
  Value out = merged(probe, live, &declared);
  out.as_object().at("metadata").set("name", *declared.at_pointer("/metadata/name"));
  return out;
}

}  // namespace gitopsd::kubernetes
