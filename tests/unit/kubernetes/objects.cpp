#include "tests/unit/kubernetes/objects.h"

#include <stdexcept>

#include "base/yaml.h"

namespace gitopsd::kubernetes {
namespace {

std::string unescape_token(std::string token) {
  for (std::size_t at = 0; (at = token.find('~', at)) != std::string::npos; ++at)
    token.replace(at, 2, token[at + 1] == '1' ? "/" : "~");
  return token;
}

void edit(Value& node, std::string_view pointer, const Value* value) {
  const std::size_t slash = pointer.find('/', 1);
  const bool last = slash == std::string_view::npos;
  const std::string key = unescape_token(std::string(pointer.substr(1, last ? slash : slash - 1)));
  if (node.is_array()) {
    auto& items = node.as_array();
    const std::size_t index = std::stoul(key);
    if (index == items.size()) items.emplace_back();
    if (last && value)
      items.at(index) = *value;
    else if (last)
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
    else
      edit(items.at(index), pointer.substr(slash), value);
    return;
  }
  if (node.is_null()) node = Value::object();
  if (last && !value)
    node.as_object().erase(key);
  else if (last)
    node.set(key, *value);
  else
    edit(node.as_object()[key], pointer.substr(slash), value);
}

}  // namespace

Value object_of(const std::string& yaml) {
  auto documents = parse_yaml(yaml, "a test's object");
  if (documents.size() != 1) throw std::runtime_error("a test's object is one document");
  return documents[0];
}

Value edited(Value object, const Edits& edits) {
  for (const auto& [pointer, yaml] : edits) {
    if (yaml.empty()) {
      edit(object, pointer, nullptr);
      continue;
    }
    const Value value = object_of("value: " + yaml).as_object().at("value");
    edit(object, pointer, &value);
  }
  return object;
}

}  // namespace gitopsd::kubernetes
