// How a member of a configuration struct is read: `rule(&Type::member, ...)` gives the shape that the file
// must have there and the function that reads it. The field tables (fields.h) are lists of these.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "config/names.h"
#include "config/quote.h"
#include "config/reader.h"
#include "config/units.h"

namespace gitopsd::config {

template <class T>
struct Rule {
  Shape shape;
  /// Runs only on a value that fits the shape. Throws Failure, to which the caller adds the place.
  std::function<void(Reader&, const Value&, T&)> read;
};

enum class Need { optional, required };

template <class T>
struct Field {
  std::string key;
  Rule<T> rule;
  Need need = Need::optional;
};

template <class T>
using Fields = std::vector<Field<T>>;

/// Checks a text and returns its normal form. Throws Failure.
using Normal = std::function<std::string(const std::string&)>;

inline Shape text_shape(std::string says) {
  return {.types = {"string"}, .says = std::move(says)};
}

template <class T>
Shape object_shape(const Fields<T>& fields, std::string says) {
  auto members = std::make_shared<std::vector<Member>>();
  for (const auto& field : fields) {
    members->push_back({field.key, field.rule.shape, field.need == Need::required});
  }
  return {.types = {"object"}, .says = std::move(says), .members = std::move(members)};
}

/// Whether a scalar of another type would be right in quotes: nobody is sent from one mistake to the next.
template <class T>
bool right_in_quotes(const Value& value, const Rule<T>& rule) {
  if (!rule.shape.is("string") || rule.shape.is(value.type_name())) return false;
  if (!(value.is_bool() || value.is_int() || value.is_uint() || value.is_double())) return false;
  try {
    Reader trial;
    T unused{};
    const Value text = to_json(value);
    if (!trial.fits(text, rule.shape)) return false;
    rule.read(trial, text, unused);
    return trial.problems().empty();
  } catch (const Failure&) {
    return false;
  }
}

template <class T>
bool fits(Reader& in, const Value& value, const Rule<T>& rule) {
  return in.fits(value, rule.shape, right_in_quotes(value, rule));
}

/// Reads the members of an object that fits. `once`: a scalar may be set by one file only.
template <class T>
void read_members(Reader& in, const Value& value, const Fields<T>& fields, const Shape& shape, T& out,
                  bool once) {
  for (const auto& [key, member] : value.as_object()) {
    const Field<T>* field = nullptr;
    for (const auto& candidate : fields) {
      if (candidate.key == key) field = &candidate;
    }
    if (field == nullptr) {
      in.unknown_key(key, member, *shape.members);
      continue;
    }
    const Reader::Scope scope(in, key);
    const Shape& expected = field->rule.shape;
    if (!fits(in, member, field->rule)) continue;
    const bool scalar = !expected.is("array") && !expected.is("object");
    if (once && expected.is("object")) in.note_section(member.position);
    if (once && scalar && !in.set_once(member.position)) continue;
    try {
      field->rule.read(in, member, out);
    } catch (const Failure& failure) {
      in.add(failure, member.position);
    }
  }
}

/// Notes the required members that an object does not have.
template <class T>
void need_members(Reader& in, const Value& value, const Fields<T>& fields) {
  for (const auto& field : fields) {
    if (field.need != Need::required || value.as_object().contains(field.key)) continue;
    in.problem(value.position, "the key " + in_quotes(field.key) + " is missing",
               "it takes " + field.rule.shape.says);
  }
}

template <class T>
Rule<T> text(std::string T::*member, std::string says, const Normal& normal = {}) {
  return {text_shape(std::move(says)), [=](Reader&, const Value& value, T& out) {
            out.*member = normal ? normal(value.as_string()) : value.as_string();
          }};
}

/// A file that must be readable when the configuration comes into force.
template <class T>
Rule<T> file_text(std::string T::*member, std::string says) {
  return {text_shape(std::move(says)), [=](Reader& in, const Value& value, T& out) {
            out.*member = normal_file(value.as_string());
            in.name_file(out.*member, value.position);
          }};
}

template <class T>
Rule<T> flag(bool T::*member) {
  return {{.types = {"boolean"}, .says = "true or false"},
          [=](Reader&, const Value& value, T& out) { out.*member = value.as_bool(); }};
}

template <class T>
Rule<T> number(int T::*member, int least, int most) {
  return {{.types = {"integer"},
           .says = "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
           .minimum = least,
           .maximum = most},
          [=](Reader&, const Value& value, T& out) { out.*member = static_cast<int>(value.as_int()); }};
}

inline std::uint64_t within(std::uint64_t number, std::string_view least, std::string_view most,
                            std::uint64_t (*parse)(std::string_view)) {
  if (number >= parse(least) && number <= parse(most)) return number;
  throw fail(ProblemCause::input, "out of range", "from " + std::string(least) + " to " + std::string(most));
}

/// Bounds are written as in the file.
template <class T>
Rule<T> size(std::size_t T::*member, const std::string& least, const std::string& most) {
  return {{.types = {"string", "integer"}, .says = "a size such as 64KiB or 25MiB"},
          [=](Reader&, const Value& value, T& out) {
            const auto text = value.is_string() ? value.as_string() : std::to_string(value.as_int());
            out.*member = within(parse_size(text), least, most, parse_size);
          }};
}

template <class T>
Rule<T> duration(milliseconds T::*member, const std::string& least, const std::string& most) {
  constexpr auto count = [](std::string_view text) {
    return static_cast<std::uint64_t>(parse_duration(text).count());
  };
  Shape shape = text_shape("a duration such as 30s, 5m or 90d");
  // The bound's, so that what is proposed is in range.
  // The unit of the bound, so that what is proposed is in range.
  shape.unit = least.substr(least.find_first_not_of("0123456789"));
  if (shape.unit == "ms") shape.unit = "s";
  return {std::move(shape), [=](Reader&, const Value& value, T& out) {
            out.*member = milliseconds(within(count(value.as_string()), least, most, count));
          }};
}

/// One of a few words, each with what it means.
template <class T, class M>
Rule<T> word(M T::*member, std::string says, std::vector<std::pair<std::string, M>> words) {
  Shape shape = text_shape(std::move(says));
  for (const auto& [text, meaning] : words) shape.words.push_back(text);
  return {std::move(shape), [=](Reader&, const Value& value, T& out) {
            for (const auto& [text, meaning] : words) {
              if (text == value.as_string()) out.*member = meaning;
            }
          }};
}

/// The name of the thing itself, unique in its namespace.
template <class T, class Tag>
Rule<T> own_name(Name<Tag> T::*member, Namespace space, const Normal& normal) {
  return {text_shape("a name such as web-1"), [=](Reader& in, const Value& value, T& out) {
            // Declared even if it is bad: what refers to it needs no second problem.
            in.declare(space, value.as_string(), value.position);
            out.*member = Name<Tag>(normal(value.as_string()));
          }};
}

/// The name of another thing, which must exist once all files are read.
template <class T, class Tag>
Rule<T> reference(Name<Tag> T::*member, Namespace space, std::string says) {
  return {text_shape(std::move(says)), [=](Reader& in, const Value& value, T& out) {
            in.refer(space, value.as_string(), value.position);
            out.*member = Name<Tag>(value.as_string());
          }};
}

/// Appends what `item` reads: a list in two files is one list.
template <class T, class M>
Rule<T> list(std::vector<M> T::*member, std::string says, Rule<M> item, std::size_t least = 0) {
  Shape shape{.types = {"array"}, .says = std::move(says)};
  shape.items = std::make_shared<Shape>(item.shape);
  shape.min_items = least;
  return {std::move(shape), [=](Reader& in, const Value& value, T& out) {
            const auto& items = value.as_array();
            if (items.size() < least)
              in.problem(value.position, "the list is empty", "it needs at least one");
            for (std::size_t i = 0; i < items.size(); ++i) {
              const Reader::Scope scope(in, i);
              if (!fits(in, items[i], item)) continue;
              try {
                M read{};
                item.read(in, items[i], read);
                (out.*member).push_back(std::move(read));
              } catch (const Failure& failure) {
                in.add(failure, items[i].position);
              }
            }
          }};
}

/// A list item that is the text itself.
inline Rule<std::string> item(std::string says, const Normal& normal) {
  return {text_shape(std::move(says)),
          [=](Reader&, const Value& value, std::string& out) { out = normal(value.as_string()); }};
}

/// A list item that is the name of another thing.
template <class Tag>
Rule<Name<Tag>> name_item(Namespace space, std::string says) {
  return {text_shape(std::move(says)), [=](Reader& in, const Value& value, Name<Tag>& out) {
            in.refer(space, value.as_string(), value.position);
            out = Name<Tag>(value.as_string());
          }};
}

/// Checks a whole item after its members are read; `value` tells what was given.
template <class T>
using Check = std::function<void(Reader&, const Value&, T&)>;

/// A list item with members of its own.
template <class T>
Rule<T> object_item(const Fields<T>& fields, std::string says, Check<T> check = {}) {
  const Shape shape = object_shape(fields, std::move(says));
  return {shape, [=](Reader& in, const Value& value, T& out) {
            read_members(in, value, fields, shape, out, false);
            need_members(in, value, fields);
            if (check) check(in, value, out);
          }};
}

/// A section that may be spread over several files.
template <class T, class M>
Rule<T> section(M T::*member, const Fields<M>& fields, std::string says) {
  const Shape shape = object_shape(fields, std::move(says));
  return {shape, [=](Reader& in, const Value& value, T& out) {
            read_members(in, value, fields, shape, out.*member, true);
          }};
}

/// Somebody else's data: any object.
template <class T>
Rule<T> opaque(Value T::*member, const std::string& says) {
  return {{.types = {"object"}, .says = says},
          [=](Reader&, const Value& value, T& out) { out.*member = value; }};
}

}  // namespace gitopsd::config
