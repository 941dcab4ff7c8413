#include "providers/kubernetes/server_field.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

struct FieldToken {
  std::string text;
  bool bracket = false;
};

/// Where a bracket closes, quotes taken into account.
std::size_t closing(std::string_view field, std::size_t open) {
  bool quoted = false;
  for (std::size_t i = open + 1; i < field.size(); ++i) {
    if (field[i] == '\\' && quoted)
      ++i;
    else if (field[i] == '"')
      quoted = !quoted;
    else if (field[i] == ']' && !quoted)
      return i;
  }
  return field.npos;
}

/// nullopt for what is no path.
std::optional<std::vector<FieldToken>> tokens_of(std::string_view field) {
  std::vector<FieldToken> out;
  std::string name;
  const auto end_name = [&] {
    if (!name.empty()) out.push_back({name, false});
    name.clear();
  };
  for (std::size_t i = 0; i < field.size(); ++i) {
    const char c = field[i];
    if (c == '.') {
      end_name();
    } else if (c == '[') {
      end_name();
      const auto close = closing(field, i);
      if (close == field.npos) return std::nullopt;
      out.push_back({std::string(field.substr(i + 1, close - i - 1)), true});
      i = close;
    } else if (c == ' ' || c == ':' || c == '<') {
      return std::nullopt;
    } else {
      name += c;
    }
  }
  end_name();
  return out;
}

std::string unquoted(const std::string& text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// `port=80,protocol="TCP"`; a value of a set is `="x"`.
std::vector<std::pair<std::string, std::string>> keys_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> out;
  std::string part;
  bool quoted = false;
  const auto end_part = [&] {
    const auto equal = part.find('=');
    if (equal != part.npos) out.emplace_back(part.substr(0, equal), part.substr(equal + 1));
    part.clear();
  };
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted)
      end_part();
    else
      part += c;
  }
  end_part();
  return out;
}

/// A key that the item does not write has its default, which is not known here.
bool item_has(const Value& item, const std::vector<std::pair<std::string, std::string>>& keys) {
  bool any = false;
  for (const auto& [name, value] : keys) {
    const Value* member = name.empty() ? &item : item.is_object() ? item.find(name) : nullptr;
    if (!member) continue;
    if (to_json(*member) != value) return false;
    any = true;
  }
  return any;
}

std::optional<std::size_t> index_of(const Value::Array& items, const std::string& text) {
  const auto keys = keys_of(text);
  for (std::size_t i = 0; i < items.size(); ++i)
    if (std::to_string(i) == text || (!keys.empty() && item_has(items[i], keys))) return i;
  return std::nullopt;
}

}  // namespace

std::string pointer_of_field(std::string_view field) {
  std::string pointer;
  if (const auto tokens = tokens_of(field))
    for (const auto& token : *tokens) pointer += pointer_token(unquoted(token.text));
  return pointer;
}

std::string pointer_within(const Value& object, std::string_view field) {
  std::string pointer;
  const auto tokens = tokens_of(field);
  const Value* at = &object;
  for (std::size_t i = 0; tokens && i < tokens->size(); ++i) {
    std::string token;
    if (at->is_array()) {
      const auto index = index_of(at->as_array(), (*tokens)[i].text);
      if (!index) break;
      token = std::to_string(*index);
      at = &at->as_array()[*index];
    } else {
      if (!at->is_object()) break;
      token = unquoted((*tokens)[i].text);
      // Names with dots are written without brackets, too: the longest that is a member is meant.
      std::size_t end = i;
      std::string longer = token;
      for (std::size_t k = i + 1; k < tokens->size() && !(*tokens)[k].bracket; ++k) {
        longer += "." + (*tokens)[k].text;
        if (at->as_object().contains(longer)) token = longer, end = k;
      }
      const auto member = at->as_object().find(token);
      if (member == at->as_object().end()) break;
      i = end;
      at = &member->second;
    }
    pointer += pointer_token(token);
  }
  return pointer;
}

bool remove_member(Value& object, std::string_view pointer) {
  if (!pointer.starts_with('/')) return false;
  const auto end = std::min(pointer.find('/', 1), pointer.size());
  const auto token = pointer.substr(0, end), rest = pointer.substr(end);
  if (object.is_object()) {
    auto& members = object.as_object();
    const auto member = std::find_if(members.begin(), members.end(),
                                     [&](const auto& each) { return pointer_token(each.first) == token; });
    if (member == members.end()) return false;
    if (!rest.empty()) return remove_member(member->second, rest);
    members.erase(member);
    return true;
  }
  if (!object.is_array()) return false;
  auto& items = object.as_array();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if ("/" + std::to_string(i) != token) continue;
    if (!rest.empty()) return remove_member(items[i], rest);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

}  // namespace gitopsd::kubernetes
