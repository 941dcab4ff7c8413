// Walks a message's field description: FieldWriter makes JSON of it, FieldReader fills it from JSON.
#pragma once

#include <type_traits>
#include <utility>

#include "providers/protocol/words.h"

namespace gitopsd::protocol {

inline constexpr std::size_t kMaxReceipt = 1024;
inline constexpr std::size_t kMaxResourceId = 512;

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// `Describe` is called with (this, message) and names the message's fields.
template <class Describe>
class FieldWriter {
 public:
  explicit FieldWriter(Describe describe) : describe_(describe) {}

  template <class T>
  Value object(const T& message) {
    FieldWriter inner(describe_);
    inner.out_ = Value::object();
    describe_(inner, message);
    return std::move(inner.out_);
  }

  template <class T>
  FieldWriter& must(const char* name, const T& member) {
    out_.set(name, value(member));
    return *this;
  }
  template <class T>
  FieldWriter& may(const char* name, const T& member) {
    if (!empty(member)) out_.set(name, value(member));
    return *this;
  }
  FieldWriter& receipt(const char* name, const std::string& member) { return may(name, member); }

 private:
  template <class T>
  static bool empty(const T& t) {
    if constexpr (std::is_same_v<T, Value>)
      return t.is_null();
    else if constexpr (IsOptional<T>::value)
      return !t.has_value();
    else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, ResourceId> || IsVector<T>::value)
      return t.empty();
    else if constexpr (std::is_same_v<T, bool>)
      return !t;
    else if constexpr (std::is_same_v<T, Hook>)
      return t == Hook::none;
    else
      return false;
  }

  template <class T>
  Value value(const T& t) {
    if constexpr (std::is_same_v<T, Value>)
      return t;
    else if constexpr (std::is_same_v<T, ResourceId>)
      return t.str();
    else if constexpr (std::is_same_v<T, ProblemCause>)
      return Value(gitopsd::to_string(t));
    else if constexpr (std::is_enum_v<T>)
      return Value(word_of(t));
    else if constexpr (std::is_same_v<T, std::string> || std::is_arithmetic_v<T>)
      return Value(t);
    else if constexpr (IsOptional<T>::value)
      return value(*t);
    else if constexpr (IsVector<T>::value) {
      Value::Array array;
      array.reserve(t.size());
      for (const auto& element : t) array.push_back(value(element));
      return Value(std::move(array));
    } else
      return object(t);
  }

  Describe describe_;
  Value out_;
};

template <class Describe>
class FieldReader {
 public:
  FieldReader(Describe describe, const Value& in, const FieldReader* parent = nullptr, std::string token = {})
      : describe_(describe), in_(in), parent_(parent), token_(std::move(token)) {}

  template <class T>
  void object(T& message) {
    if (!in_.is_object()) wrong("an object");
    describe_(*this, message);
  }

  template <class T>
  FieldReader& must(const char* name, T& member) {
    // `find` says nullptr for null as well, which is a document's right to be.
    if constexpr (std::is_same_v<T, Value>) {
      if (!in_.as_object().contains(name)) child(Value(), name).wrong("a value");
    } else if (!in_.find(name)) {
      child(Value(), name).wrong("a value");
    }
    return may(name, member);
  }
  template <class T>
  FieldReader& may(const char* name, T& member) {
    if (const Value* value = in_.find(name)) child(*value, name).read(member);
    return *this;
  }
  FieldReader& receipt(const char* name, std::string& member) {
    may(name, member);
    if (member.size() > kMaxReceipt) child(*in_.find(name), name).wrong("at most 1024 bytes of receipt");
    return *this;
  }

 private:
  FieldReader child(const Value& value, std::string token) const {
    return FieldReader(describe_, value, this, std::move(token));
  }

  template <class T>
  void read(T& t) {
    if constexpr (std::is_same_v<T, Value>)
      t = in_;
    else if constexpr (std::is_same_v<T, bool>) {
      if (!in_.is_bool()) wrong("a boolean");
      t = in_.as_bool();
    } else if constexpr (std::is_same_v<T, std::string>)
      t = text();
    else if constexpr (std::is_same_v<T, ResourceId>) {
      if (text().empty() || text().size() > kMaxResourceId) wrong("an id of 1 to 512 bytes");
      t = ResourceId(text());
    } else if constexpr (std::is_same_v<T, ProblemCause>)
      t = problem_cause(text());
    else if constexpr (std::is_enum_v<T>)
      t = from_word<T>(text());
    else if constexpr (std::is_integral_v<T>) {
      constexpr bool is_unsigned = std::is_unsigned_v<T>;
      if (!in_.is_int() || !std::in_range<T>(in_.as_int()))
        wrong(is_unsigned ? "an integer of 0 or more" : "an integer");
      t = static_cast<T>(in_.as_int());
    } else if constexpr (IsOptional<T>::value) {
      t.emplace();
      read(*t);
    } else if constexpr (IsVector<T>::value) {
      if (!in_.is_array()) wrong("an array");
      t.clear();
      t.reserve(in_.as_array().size());
      for (const Value& element : in_.as_array())
        child(element, std::to_string(t.size())).read(t.emplace_back());
    } else
      object(t);
  }

  const std::string& text() const {
    if (!in_.is_string()) wrong("a string");
    return in_.as_string();
  }

  std::string pointer() const { return parent_ ? parent_->pointer() + pointer_token(token_) : token_; }

  [[noreturn]] void wrong(const std::string& wanted) const {
    std::string place = pointer();
    throw fail(ProblemCause::input, (place.empty() ? "the message" : "'" + place + "'") + ": " + wanted +
                                        " is needed, found " + std::string(in_.type_name()));
  }

  Describe describe_;
  const Value& in_;
  const FieldReader* parent_;
  std::string token_;
};

}  // namespace gitopsd::protocol
