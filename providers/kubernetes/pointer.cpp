#include "providers/kubernetes/pointer.h"

#include <charconv>

#include "base/json.h"

namespace gitopsd::kubernetes {

std::vector<std::string> pointer_tokens(std::string_view pointer) {
  std::vector<std::string> out;
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    out.emplace_back(token);
  }
  return out;
}

std::string unescaped_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size())
      out += token[++i] == '1' ? '/' : '~';
    else
      out += token[i];
  }
  return out;
}

std::optional<std::size_t> chosen_item(const Value::Array& list, std::string_view token) {
  const std::size_t equals = token.find('=');
  if (equals == std::string_view::npos) {
    std::size_t at = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), at);
    const bool plain = error == std::errc{} && end == token.data() + token.size();
    if (!plain || at >= list.size() || (token.size() > 1 && token[0] == '0')) return std::nullopt;
    return at;
  }
  const std::string key = unescaped_token(token.substr(0, equals)),
                    wanted = unescaped_token(token.substr(equals + 1));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value* member = list[i].find(key);
    if (member && (member->is_string() ? member->as_string() == wanted
                                       : member->is_int() && to_json(*member) == wanted))
      return i;
  }
  return std::nullopt;
}

const Value* at_chosen(const Value& object, std::string_view pointer) {
  if (!pointer.empty() && pointer[0] != '/') return nullptr;
  const Value* node = &object;
  for (const auto& token : pointer_tokens(pointer)) {
    if (node->is_array()) {
      const auto at = chosen_item(node->as_array(), token);
      node = at ? &node->as_array()[*at] : nullptr;
    } else {
      node = node->find(unescaped_token(token));
    }
    if (!node) return nullptr;
  }
  return node;
}

}  // namespace gitopsd::kubernetes
