#include "handlers/payload.h"

#include <simdjson.h>

#include <bit>
#include <cstring>

#include "base/json.h"

namespace gitopsd::handlers {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using Place = std::array<std::uintptr_t, 2>;
static_assert(sizeof(element) == sizeof(Place));

element at(const Place& place) {
  return std::bit_cast<element>(place);
}

/// Bodies up to this size share a parser for ever; larger ones give their memory back.
constexpr std::size_t kSharedParserBytes = 64u << 10;

}  // namespace

struct Payload::Parser {
  simdjson::dom::parser parser;
  std::string padded;  ///< simdjson reads up to SIMDJSON_PADDING bytes beyond the text
};

Payload::Payload(std::string_view json) {
  thread_local Parser shared;
  Parser* use = &shared;
  if (json.size() > kSharedParserBytes) {
    own_ = std::make_unique<Parser>();
    use = own_.get();
  }
  if (use->parser.capacity() < json.size()) {
    const std::size_t capacity = own_ ? json.size() : kSharedParserBytes;
    if (use->parser.allocate(capacity, kMaxDepth) != simdjson::SUCCESS) {
      problem_ = "not enough memory to read the JSON";
      return;
    }
    use->padded.resize(capacity + simdjson::SIMDJSON_PADDING);
  }
  if (json.empty()) {
    problem_ = "the body is empty";
    return;
  }
  std::memcpy(use->padded.data(), json.data(), json.size());
  std::memset(use->padded.data() + json.size(), 0, simdjson::SIMDJSON_PADDING);
  element root;
  const auto error = use->parser.parse(use->padded.data(), json.size(), false).get(root);
  if (error == simdjson::DEPTH_ERROR) {
    problem_ = "the JSON is nested more than " + std::to_string(kMaxDepth) + " deep";
  } else if (error != simdjson::SUCCESS) {
    problem_ = std::string("the body is not valid JSON: ") + simdjson::error_message(error);
  } else {
    root_.place_ = std::bit_cast<Place>(root);
    root_.there_ = true;
  }
}

Payload::~Payload() = default;

Node::Kind Node::kind() const {
  if (!there_) return Kind::missing;
  switch (at(place_).type()) {
    case element_type::OBJECT:
      return Kind::object;
    case element_type::ARRAY:
      return Kind::array;
    case element_type::STRING:
      return Kind::text;
    case element_type::BOOL:
      return Kind::boolean;
    case element_type::NULL_VALUE:
      return Kind::null;
    default:
      return Kind::number;
  }
}

Node Node::operator[](std::string_view key) const {
  Node node;
  if (!is(Kind::object)) return node;
  element found;
  if (at(place_).at_key(key).get(found) != simdjson::SUCCESS) return node;
  node.place_ = std::bit_cast<Place>(found);
  node.there_ = true;
  return node;
}

void Node::find(std::span<const std::string_view> keys, std::span<Node> nodes) const {
  simdjson::dom::object object;
  if (!there_ || at(place_).get(object) != simdjson::SUCCESS) return;
  std::size_t missing = keys.size();
  for (auto field = object.begin(); field != object.end() && missing > 0; ++field) {
    const std::size_t length = field.key_length();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i].size() != length || nodes[i].there_ || field.key() != keys[i]) continue;
      nodes[i].place_ = std::bit_cast<Place>(field.value());
      nodes[i].there_ = true;
      --missing;
    }
  }
}

std::string_view Node::text() const {
  std::string_view text;
  if (there_ && at(place_).get(text) != simdjson::SUCCESS) text = {};
  return text;
}

bool Node::boolean() const {
  bool value = false;
  if (there_ && at(place_).get(value) != simdjson::SUCCESS) value = false;
  return value;
}

std::vector<Node> Node::items() const {
  std::vector<Node> nodes;
  simdjson::dom::array array;
  if (!there_ || at(place_).get(array) != simdjson::SUCCESS) return nodes;
  for (const element item : array) {
    Node node;
    node.place_ = std::bit_cast<Place>(item);
    node.there_ = true;
    nodes.push_back(node);
  }
  return nodes;
}

}  // namespace gitopsd::handlers
