#include "base/value.h"

#include <charconv>
#include <limits>

namespace gitopsd {
namespace {

[[noreturn]] void wrong_type(std::string_view wanted, const Value& v) {
  Problem p{ProblemCause::input,
            "expected " + std::string(wanted) + ", found " + std::string(v.type_name()),
            {},
            {},
            v.position};
  throw Failure(std::move(p));
}

}  // namespace

Value::Value(std::uint64_t u) {
  if (u <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    data_ = static_cast<std::int64_t>(u);
  } else {
    data_ = u;
  }
}

std::string_view Value::type_name() const {
  constexpr std::string_view names[] = {"null",   "boolean", "integer", "integer",
                                        "number", "string",  "array",   "object"};
  return names[data_.index()];
}

bool Value::as_bool() const {
  if (const auto* b = std::get_if<bool>(&data_)) return *b;
  wrong_type("a boolean", *this);
}
std::int64_t Value::as_int() const {
  if (const auto* i = std::get_if<std::int64_t>(&data_)) return *i;
  wrong_type("an integer", *this);
}
double Value::as_double() const {
  if (const auto* d = std::get_if<double>(&data_)) return *d;
  if (const auto* u = std::get_if<std::uint64_t>(&data_)) return static_cast<double>(*u);
  if (const auto* i = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*i);
  wrong_type("a number", *this);
}
const std::string& Value::as_string() const {
  if (const auto* s = std::get_if<std::string>(&data_)) return *s;
  wrong_type("a string", *this);
}
const Value::Array& Value::as_array() const {
  if (const auto* a = std::get_if<Array>(&data_)) return *a;
  wrong_type("an array", *this);
}
const Value::Object& Value::as_object() const {
  if (const auto* o = std::get_if<Object>(&data_)) return *o;
  wrong_type("an object", *this);
}
Value::Array& Value::as_array() {
  if (auto* a = std::get_if<Array>(&data_)) return *a;
  wrong_type("an array", *this);
}
Value::Object& Value::as_object() {
  if (auto* o = std::get_if<Object>(&data_)) return *o;
  wrong_type("an object", *this);
}

const Value* Value::find(std::string_view key) const {
  const auto* o = std::get_if<Object>(&data_);
  if (!o) return nullptr;
  const auto it = o->find(key);
  return it == o->end() || it->second.is_null() ? nullptr : &it->second;
}

std::string Value::get_string(std::string_view key, std::string_view fallback) const {
  const Value* v = find(key);
  return v ? v->as_string() : std::string(fallback);
}
std::int64_t Value::get_int(std::string_view key, std::int64_t fallback) const {
  const Value* v = find(key);
  return v ? v->as_int() : fallback;
}
bool Value::get_bool(std::string_view key, bool fallback) const {
  const Value* v = find(key);
  return v ? v->as_bool() : fallback;
}
const Value::Array& Value::get_array(std::string_view key) const {
  static const Array empty;
  const Value* v = find(key);
  return v ? v->as_array() : empty;
}

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object{};
  as_object().insert_or_assign(std::move(key), std::move(value));
  return *this;
}

Value& Value::push(Value value) {
  if (is_null()) data_ = Array{};
  as_array().push_back(std::move(value));
  return *this;
}

const Value* Value::at_pointer(std::string_view pointer) const {
  const Value* node = this;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    std::string key;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (token[i] == '~' && i + 1 < token.size()) {
        key += token[++i] == '1' ? '/' : '~';
      } else {
        key += token[i];
      }
    }
    if (const auto* o = std::get_if<Object>(&node->data_)) {
      const auto it = o->find(key);
      if (it == o->end()) return nullptr;
      node = &it->second;
    } else if (const auto* a = std::get_if<Array>(&node->data_)) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc() || end != key.data() + key.size() || index >= a->size()) return nullptr;
      node = &(*a)[index];
    } else {
      return nullptr;
    }
  }
  return node;
}

std::string pointer_token(std::string_view key) {
  std::string out = "/";
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace gitopsd
