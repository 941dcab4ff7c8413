// What a value of the configuration must look like: for the loader's messages and for the check that the JSON
// Schema says the same.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/value.h"

namespace gitopsd::config {

struct Member;

struct Shape {
  std::vector<std::string> types{};  ///< JSON Schema's words
  std::string says{};                ///< what is expected, for messages: "a duration such as 30s"
  std::vector<std::string> words{};  ///< the only texts that are valid; empty: any
  std::string unit{};                ///< what a bare number most likely lacks, where it needs one
  std::optional<std::int64_t> minimum{}, maximum{};
  std::shared_ptr<const Shape> items{};  ///< of an array
  std::size_t min_items = 0;
  std::shared_ptr<const std::vector<Member>> members{};  ///< of an object; nullptr: any keys
  bool one_member = false;                               ///< exactly one of them

  bool is(std::string_view type) const;
};

struct Member {
  std::string key;
  Shape shape;
  bool required = false;
};

/// The skeleton of a JSON Schema: type, enum, properties, required, items and bounds, without descriptions.
Value json_schema(const Shape&);

}  // namespace gitopsd::config
