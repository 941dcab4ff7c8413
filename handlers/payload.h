// A forge's JSON, read with bounds: valid UTF-8, at most kMaxDepth deep, nothing copied but what is asked
// for. simdjson stays inside payload.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gitopsd::handlers {

/// A place in a payload. Valid while its Payload lives; asking a wrong kind gives the empty answer.
class Node {
 public:
  enum class Kind { missing, null, object, array, text, boolean, number };
  Kind kind() const;
  bool is(Kind kind) const { return this->kind() == kind; }
  /// The first member of that name; missing where there is none or this is no object.
  Node operator[](std::string_view key) const;
  /// The same for several names in one pass over the members; `nodes` has their number.
  void find(std::span<const std::string_view> keys, std::span<Node> nodes) const;
  std::string_view text() const;
  bool boolean() const;
  std::vector<Node> items() const;

 private:
  friend class Payload;
  std::array<std::uintptr_t, 2> place_{};
  bool there_ = false;
};

/// A parsed body. At most one lives per thread at a time: small ones share that thread's parser.
class Payload {
 public:
  explicit Payload(std::string_view json);
  ~Payload();
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;

  /// What is wrong with the text, or empty.
  const std::string& problem() const { return problem_; }
  Node root() const { return root_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> own_;
  std::string problem_;
  Node root_;
};

}  // namespace gitopsd::handlers
