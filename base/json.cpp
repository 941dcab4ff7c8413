#include "base/json.h"

// RapidJSON 1.1 adds to null pointers where its buffers are still empty: harmless, but clang's sanitizer
// reports it.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace gitopsd {
namespace {

/// A RapidJSON input stream over a view. RapidJSON tells of a token when it is past it, and between two
/// tokens stand only white space, commas and colons: so each one's start, line and column are found on the
/// way.
class Input {
 public:
  using Ch = char;
  explicit Input(std::string_view text) : text_(text) {}
  Ch Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  Ch Take() { return at_ < text_.size() ? text_[at_++] : '\0'; }
  std::size_t Tell() const { return at_; }
  // RapidJSON wants these of every stream; only parsing in place would call them.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

  bool at_end() const { return at_ >= text_.size(); }

  /// The token that ends here.
  std::string_view take_token() {
    std::size_t start = told_;
    while (start < at_ && std::string_view(" \t\r\n,:").find(text_[start]) != std::string_view::npos) ++start;
    move_to(start);
    told_ = at_;
    return text_.substr(start, at_ - start);
  }
  /// The bracket or brace that stands here: of those RapidJSON tells before it takes them.
  void take_bracket() {
    move_to(at_);
    told_ = at_ + 1;
  }
  /// Where the last token taken starts.
  Position position() const { return {line_, static_cast<int>(counted_ - line_start_) + 1}; }
  /// Where reading stands now.
  Position end() {
    move_to(at_);
    return position();
  }

 private:
  void move_to(std::size_t offset) {
    for (; counted_ < offset; ++counted_) {
      if (text_[counted_] != '\n') continue;
      ++line_;
      line_start_ = counted_ + 1;
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0, told_ = 0, counted_ = 0, line_start_ = 0;
  int line_ = 1;
};

/// Builds a Value; keeps its own stack, so that no input makes it recurse.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  Builder(Input& input, bool wide_integers) : input_(input), wide_integers_(wide_integers) {}

  bool Default() { return refuse("unexpected token"); }
  bool Null() { return put(Value()); }
  bool Bool(bool b) { return put(Value(b)); }
  bool Int(int i) { return put(Value(i)); }
  bool Uint(unsigned u) { return put(Value(static_cast<std::uint64_t>(u))); }
  bool Int64(std::int64_t i) { return put(Value(i)); }
  bool Uint64(std::uint64_t u) { return put(Value(u)); }
  /// RapidJSON rounds: integers beyond 64 bits silently, and some others in the last digit. The text decides.
  bool Double(double rounded) {
    const std::string_view token = input_.take_token();
    if (!wide_integers_ && token.find_first_of(".eE") == std::string_view::npos) {
      return refuse("an integer that does not fit 64 bits");
    }
    double d = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), d);
    if (error == std::errc::result_out_of_range) {
      if (std::abs(rounded) > 1) return refuse("a number that does not fit a double");
      d = std::copysign(0.0, rounded);
    }
    return place_here(Value(d));
  }
  bool String(const char* s, rapidjson::SizeType n, bool) {
    input_.take_token();
    // RapidJSON checks the text's own bytes, and of escapes only those that start a surrogate pair.
    if (!is_utf8({s, n})) return refuse("an escape that is half of a surrogate pair");
    return place_here(Value(std::string(s, n)));
  }
  bool Key(const char* s, rapidjson::SizeType n, bool) {
    input_.take_token();
    if (!is_utf8({s, n})) return refuse("an escape that is half of a surrogate pair");
    std::string key(s, n);
    if (stack_.back().as_object().contains(key)) {
      return refuse("the key \"" + key.substr(0, 100) + "\" stands twice in this object");
    }
    keys_.back() = std::move(key);
    return true;
  }
  bool StartObject() { return open(Value::object()); }
  bool StartArray() { return open(Value::array()); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  Value take() { return std::move(result_); }
  /// What this builder refused, or empty; the token that it refused is the last taken.
  const std::string& error() const { return error_; }

 private:
  bool refuse(std::string why) {
    error_ = std::move(why);
    return false;
  }
  bool open(Value v) {
    input_.take_bracket();
    if (stack_.size() >= static_cast<std::size_t>(kMaxDepth)) {
      return refuse("nested deeper than " + std::to_string(kMaxDepth));
    }
    v.position = input_.position();
    stack_.push_back(std::move(v));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    input_.take_bracket();
    Value done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return place(std::move(done));
  }
  bool put(Value v) {
    input_.take_token();
    return place_here(std::move(v));
  }
  bool place_here(Value v) {
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

  Input& input_;
  const bool wide_integers_;
  std::vector<Value> stack_;
  std::vector<std::string> keys_;
  Value result_;
  std::string error_;
};

/// The shortest text that reads back as the same double, and as a double: RapidJSON's own is not always.
template <class Writer>
void write_double(Writer& w, double d) {
  if (!std::isfinite(d)) throw fail(ProblemCause::internal, "JSON has no number for an infinity or NaN");
  char text[40];
  char* end = std::to_chars(text, text + 32, d).ptr;
  if (std::find_if(text, end, [](char c) { return c == '.' || c == 'e'; }) == end) {
    *end++ = '.';
    *end++ = '0';
  }
  w.RawValue(text, static_cast<std::size_t>(end - text), rapidjson::kNumberType);
}

/// Git takes names and messages of any bytes: what is no UTF-8 must not make the whole text unreadable.
template <class Write>
void write_text(const std::string& text, Write write) {
  if (is_utf8(text)) return write(text);
  write(replace_invalid_utf8(text));
}

template <class Writer>
void write(Writer& w, const Value& v) {
  if (v.is_null()) {
    w.Null();
  } else if (v.is_bool()) {
    w.Bool(v.as_bool());
  } else if (v.is_int()) {
    w.Int64(v.as_int());
  } else if (v.is_uint()) {
    w.Uint64(std::get<std::uint64_t>(v.data()));
  } else if (v.is_double()) {
    write_double(w, v.as_double());
  } else if (v.is_string()) {
    write_text(v.as_string(), [&w](const std::string& text) {
      w.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    });
  } else if (v.is_array()) {
    w.StartArray();
    for (const auto& item : v.as_array()) write(w, item);
    w.EndArray();
  } else {
    w.StartObject();
    for (const auto& [key, member] : v.as_object()) {
      write_text(key, [&w](const std::string& text) {
        w.Key(text.data(), static_cast<rapidjson::SizeType>(text.size()));
      });
      write(w, member);
    }
    w.EndObject();
  }
}

}  // namespace

namespace {

Value parse(std::string_view text, std::string_view file, bool wide_integers) {
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  Input input(text);
  Builder builder(input, wide_integers);
  rapidjson::Reader reader;
  const auto result = reader.Parse<kFlags>(input, builder);
  // RapidJSON takes a zero byte for the end.
  if (!result.IsError() && input.at_end()) return builder.take();
  Problem problem{ProblemCause::input, "invalid JSON: ", {}, std::string(file), {}};
  if (!builder.error().empty()) {
    problem.message += builder.error();
    problem.position = input.position();
  } else {
    problem.message += result.IsError() ? rapidjson::GetParseError_En(result.Code()) : "a zero byte";
    problem.position = input.end();
  }
  throw Failure(std::move(problem));
}

}  // namespace

Value parse_json(std::string_view text, std::string_view file) {
  return parse(text, file, false);
}

Value parse_go_json(std::string_view text, std::string_view file) {
  return parse(text, file, true);
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
