#include "base/json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>

namespace gitopsd {
namespace {

/// A RapidJSON input stream over a view that knows line and column of the last token's start.
class Input {
 public:
  using Ch = char;
  explicit Input(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}
  Ch Peek() const { return at_ < end_ ? *at_ : '\0'; }
  Ch Take() {
    if (at_ >= end_) return '\0';
    const char c = *at_++;
    if (c == '\n') {
      ++line_;
      line_start_ = at_;
    }
    return c;
  }
  std::size_t Tell() const { return static_cast<std::size_t>(at_ - begin_); }
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

  bool at_end() const { return at_ >= end_; }
  /// Whether the number that ends here was written without point and exponent.
  bool last_number_is_integer() const {
    const char* p = at_;
    while (p > begin_ && p[-1] >= '0' && p[-1] <= '9') --p;
    return p == begin_ ||
           (p[-1] != '.' && p[-1] != 'e' && p[-1] != 'E' &&
            !((p[-1] == '+' || p[-1] == '-') && p - 1 > begin_ && (p[-2] == 'e' || p[-2] == 'E')));
  }
  Position position() const { return {line_, static_cast<int>(at_ - line_start_) + 1}; }

 private:
  const char* begin_;
  const char* at_;
  const char* end_;
  const char* line_start_ = begin_;
  int line_ = 1;
};

/// Builds a Value; keeps its own stack, so that no input makes it recurse.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  explicit Builder(const Input& input) : input_(input) {}

  bool Default() { return refuse("unexpected token"); }
  bool Null() { return put(Value()); }
  bool Bool(bool b) { return put(Value(b)); }
  bool Int(int i) { return put(Value(i)); }
  bool Uint(unsigned u) { return put(Value(static_cast<std::uint64_t>(u))); }
  bool Int64(std::int64_t i) { return put(Value(i)); }
  bool Uint64(std::uint64_t u) { return put(Value(u)); }
  bool Double(double d) {
    // An integer beyond 64 bits arrives here silently rounded; only the text tells it from 1e30.
    if (std::abs(d) >= 9223372036854775808.0 && input_.last_number_is_integer()) {
      return refuse("an integer that does not fit 64 bits");
    }
    return put(Value(d));
  }
  bool String(const char* s, rapidjson::SizeType n, bool) { return put(Value(std::string(s, n))); }
  bool Key(const char* s, rapidjson::SizeType n, bool) {
    std::string key(s, n);
    if (stack_.back().as_object().contains(key))
      return refuse("the key \"" + key.substr(0, 100) + "\" stands twice");
    keys_.back() = std::move(key);
    return true;
  }
  bool StartObject() { return open(Value::object()); }
  bool StartArray() { return open(Value::array()); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  Value take() { return std::move(result_); }
  const std::string& error() const { return error_; }

 private:
  bool refuse(std::string why) {
    error_ = std::move(why);
    return false;
  }
  bool open(Value v) {
    if (stack_.size() >= static_cast<std::size_t>(kMaxDepth))
      return refuse("nested deeper than " + std::to_string(kMaxDepth));
    v.position = input_.position();
    stack_.push_back(std::move(v));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Value done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return place(std::move(done));
  }
  bool put(Value v) {
    v.position = input_.position();
    return place(std::move(v));
  }
  bool place(Value v) {
    if (stack_.empty()) {
      result_ = std::move(v);
    } else if (stack_.back().is_array()) {
      stack_.back().push(std::move(v));
    } else {
      stack_.back().set(keys_.back(), std::move(v));
    }
    return true;
  }

  const Input& input_;
  std::vector<Value> stack_;
  std::vector<std::string> keys_;
  Value result_;
  std::string error_;
};

template <class Writer>
void write(Writer& w, const Value& v) {
  if (v.is_null())
    w.Null();
  else if (v.is_bool())
    w.Bool(v.as_bool());
  else if (v.is_int())
    w.Int64(v.as_int());
  else if (v.is_uint())
    w.Uint64(std::get<std::uint64_t>(v.data()));
  else if (v.is_double())
    w.Double(v.as_double());
  else if (v.is_string())
    w.String(v.as_string().data(), static_cast<rapidjson::SizeType>(v.as_string().size()));
  else if (v.is_array()) {
    w.StartArray();
    for (const auto& item : v.as_array()) write(w, item);
    w.EndArray();
  } else {
    w.StartObject();
    for (const auto& [key, member] : v.as_object()) {
      w.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
      write(w, member);
    }
    w.EndObject();
  }
}

}  // namespace

Value parse_json(std::string_view text, std::string_view file) {
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseFullPrecisionFlag;
  Input input(text);
  Builder builder(input);
  rapidjson::Reader reader;
  const auto result = reader.Parse<kFlags>(input, builder);
  if (!result.IsError()) return builder.take();
  std::string why = builder.error().empty() ? rapidjson::GetParseError_En(result.Code()) : builder.error();
  throw Failure(
      Problem{ProblemCause::input, "invalid JSON: " + why, {}, std::string(file), input.position()});
}

std::string to_json(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  write(writer, value);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string to_pretty_json(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  write(writer, value);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace gitopsd
