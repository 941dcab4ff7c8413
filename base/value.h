// A typed tree of JSON data with the position each node was read from.
//
// Why not rapidjson::Value: documents need the line and column of every node for errors, integers kept exact
// to 64 bits, ordered and unique keys for digests, and a type that headers can name without pulling RapidJSON
// in. Parsing and writing JSON is RapidJSON's work (json.h), reading YAML is yaml-cpp's (yaml.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/problem.h"

namespace gitopsd {

class Value {
 public:
  using Array = std::vector<Value>;
  /// Sorted by key in byte order, which is also the canonical order for digests.
  using Object = std::map<std::string, Value, std::less<>>;

  Value() = default;  ///< null
  Value(std::nullptr_t) {}
  Value(bool b) : data_(b) {}
  Value(int i) : data_(static_cast<std::int64_t>(i)) {}
  Value(std::int64_t i) : data_(i) {}
  Value(std::uint64_t u);  ///< kept as int64 where it fits
  Value(double d) : data_(d) {}
  Value(const char* s) : data_(std::string(s)) {}
  Value(std::string_view s) : data_(std::string(s)) {}
  Value(std::string s) : data_(std::move(s)) {}
  Value(Array a) : data_(std::move(a)) {}
  Value(Object o) : data_(std::move(o)) {}
  static Value array() { return Value(Array{}); }
  static Value object() { return Value(Object{}); }
  /// `Value::object({{"a", 1}, {"b", "x"}})`
  static Value object(std::initializer_list<std::pair<const std::string, Value>> members) {
    return Value(Object(members));
  }

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_uint() const { return std::holds_alternative<std::uint64_t>(data_); }  ///< only above 2^63-1
  bool is_double() const { return std::holds_alternative<double>(data_); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }
  /// "null", "boolean", "integer", "number", "string", "array" or "object", for messages.
  std::string_view type_name() const;

  // Checked access: throws Failure (cause input) that names the wanted and the found type and the position.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;  ///< integers convert
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;
  Array& as_array();
  Object& as_object();

  /// Member of an object, or nullptr where it is missing, null, or this is no object.
  const Value* find(std::string_view key) const;
  // The member of that type, or the fallback where it is missing or null; a wrong type throws as above.
  std::string get_string(std::string_view key, std::string_view fallback = {}) const;
  std::int64_t get_int(std::string_view key, std::int64_t fallback = 0) const;
  bool get_bool(std::string_view key, bool fallback = false) const;
  /// Empty where missing or null.
  const Array& get_array(std::string_view key) const;

  /// Sets a member; a null value becomes an object first.
  Value& set(std::string key, Value value);
  /// Appends; a null value becomes an array first.
  Value& push(Value value);

  /// RFC 6901. nullptr where nothing is there.
  const Value* at_pointer(std::string_view pointer) const;

  /// Where the node was read from; not part of equality.
  Position position;

  /// Deep equality of data; 1 and 1.0 differ.
  bool operator==(const Value& other) const { return data_ == other.data_; }

  using Data =
      std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object>;
  const Data& data() const { return data_; }

 private:
  Data data_;
};

/// One reference token of an RFC 6901 pointer, escaped and with its leading slash.
std::string pointer_token(std::string_view key);

}  // namespace gitopsd
