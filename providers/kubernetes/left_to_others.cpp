#include "providers/kubernetes/left_to_others.h"

#include <algorithm>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/pointer.h"

namespace gitopsd::kubernetes {
namespace {

/// A member by name, or an item by its place.
struct Turn {
  bool item = false;
  std::string name;
  std::size_t at = 0;
  auto operator<=>(const Turn&) const = default;
};
using Way = std::vector<Turn>;  ///< from the object to something in it

/// One turn further, or nullptr where nothing is there.
const Value* took(const Value* node, const Turn& turn) {
  if (!turn.item) return node->find(turn.name);
  return node->is_array() && turn.at < node->as_array().size() ? &node->as_array()[turn.at] : nullptr;
}

std::optional<Turn> turn_at(const Value& node, const std::string& token) {
  if (!node.is_array()) return Turn{false, unescaped_token(token), 0};
  const auto at = chosen_item(node.as_array(), token);
  if (!at) return std::nullopt;
  return Turn{true, {}, *at};
}

/// Where a token of fieldsV1 leads.
std::optional<Turn> turn_by_field(const Value& node, const std::string& token) {
  if (token.starts_with("f:")) return Turn{false, token.substr(2), 0};
  if (!node.is_array()) return std::nullopt;
  const auto& items = node.as_array();
  for (std::size_t i = 0; i < items.size(); ++i)
    if (token == "i:" + std::to_string(i) || token_names(token, items[i])) return Turn{true, {}, i};
  return std::nullopt;
}

/// nullopt where nothing is there.
template <class Find>
std::optional<Way> way_by(const Value& object, const std::vector<std::string>& tokens, Find find) {
  Way way;
  const Value* node = &object;
  for (const auto& token : tokens) {
    const auto turn = find(*node, token);
    if (!turn || !(node = took(node, *turn))) return std::nullopt;
    way.push_back(*turn);
  }
  return way;
}

/// Takes it out, and what is empty without it.
void erase(Value& node, const Way& way, std::size_t depth) {
  const Turn& turn = way[depth];
  if (!took(&node, turn)) return;
  if (depth + 1 < way.size()) {
    Value& child = turn.item ? node.as_array()[turn.at] : node.as_object().at(turn.name);
    erase(child, way, depth + 1);
    const bool empty = child.is_object() ? child.as_object().empty() : child.as_array().empty();
    if (!empty) return;
  }
  if (turn.item)
    node.as_array().erase(node.as_array().begin() + static_cast<std::ptrdiff_t>(turn.at));
  else
    node.as_object().erase(turn.name);
}

/// From the last to the first, so that places stay what they were, and nothing below what is gone.
void erase_all(Value& object, std::vector<Way> ways) {
  std::sort(ways.begin(), ways.end());
  ways.erase(std::unique(ways.begin(), ways.end()), ways.end());
  const auto lies_below = [&](const Way& way) {
    return std::any_of(ways.begin(), ways.end(), [&](const Way& other) {
      return other.size() < way.size() && std::equal(other.begin(), other.end(), way.begin());
    });
  };
  for (auto way = ways.rbegin(); way != ways.rend(); ++way)
    if (!way->empty() && !lies_below(*way)) erase(object, *way, 0);
}

/// How far a pointer leads in a tree of fieldsV1.
struct Reach {
  FieldPath path;
  const Value* node = nullptr;  ///< nullptr where the tree does not have it
  bool cut = false;             ///< it leads into a leaf
  std::string whole;            ///< that leaf's pointer
};

Reach reach(const Value& fields, const Value& object, const std::string& pointer) {
  Reach out;
  const Value* node = &fields;
  const Value* at = &object;
  for (const auto& token : pointer_tokens(pointer)) {
    out.cut = node->as_object().empty();
    if (out.cut) return out;
    const auto turn = at ? turn_at(*at, token) : Turn{false, unescaped_token(token), 0};
    at = at && turn ? took(at, *turn) : nullptr;
    const auto& members = node->as_object();
    const auto child = std::find_if(members.begin(), members.end(), [&](const auto& member) {
      if (!turn || !member.second.is_object()) return false;
      if (!turn->item) return member.first == "f:" + turn->name;
      return at && (member.first == "i:" + std::to_string(turn->at) || token_names(member.first, *at));
    });
    if (child == members.end()) return out;
    out.path.push_back(child->first);
    out.whole += "/" + token;
    node = &child->second;
  }
  out.node = node;
  return out;
}

/// What an item of a list is found by stays in the manifest whoever manages it, and so do our marks.
bool has_to_stay(const FieldPath& leaf) {
  if (leaf.back() == "." || leaf.back() == std::string("f:") + kTracking ||
      leaf.back() == std::string("f:") + kInstallation)
    return true;
  if (leaf.size() < 2 || !leaf[leaf.size() - 2].starts_with("k:")) return false;
  const Value keys = parse_go_json(std::string_view(leaf[leaf.size() - 2]).substr(2));
  return keys.find(std::string_view(leaf.back()).substr(2)) != nullptr;
}

bool is_leaf(const Value* fields, const FieldPath& path) {
  const Value* node = node_at(fields, path, path.size());
  return node && node->as_object().empty();
}

}  // namespace

std::vector<FieldPath> leaves_of_managers(const Ignored& ignored, const Value& live) {
  std::vector<FieldPath> out;
  if (ignored.managers.empty()) return out;
  for (const Value& entry : managed_fields(live)) {
    const Value* fields = entry.find("fieldsV1");
    if (!fields || is_our_entry(entry) || !ignored.is_managers(entry.get_string("manager"))) continue;
    FieldPath path;
    each_leaf(*fields, path, [&](const FieldPath& leaf) {
      if (!leaf.empty() && !has_to_stay(leaf)) out.push_back(leaf);
    });
  }
  return out;
}

LeftToOthers::LeftToOthers(const Ignored& ignored, const Value& live)
    : ignored_(ignored), live_(live), managed_(leaves_of_managers(ignored, live)) {}

std::vector<FieldPath> LeftToOthers::ours() const {
  std::vector<FieldPath> out;
  const Value* fields = our_fields(live_);
  if (!fields) return out;
  for (const auto& pointer : ignored_.pointers) {
    auto found = reach(*fields, live_, pointer);
    if (!found.node) continue;
    each_leaf(*found.node, found.path, [&](const FieldPath& leaf) { out.push_back(leaf); });
  }
  for (const auto& leaf : managed_)
    if (is_leaf(fields, leaf)) out.push_back(leaf);
  return out;
}

Value LeftToOthers::rest_of_ours(const Value& object) const {
  const Value* fields = our_fields(object);
  Value rest = fields ? *fields : Value();
  if (!fields || !ignored_.fields()) return rest;
  for (const auto& leaf : LeftToOthers(ignored_, object).ours()) remove_path(rest, leaf);
  return rest;
}

Value LeftToOthers::released(const Value& managed_fields) const {
  Value out = managed_fields;
  for (Value& entry : out.as_array()) {
    if (!is_our_entry(entry) || !entry.find("fieldsV1")) continue;
    for (const auto& leaf : ours()) remove_path(entry.as_object().at("fieldsV1"), leaf);
  }
  return out;
}

Value LeftToOthers::without(const Value& object) const {
  if (!ignored_.fields()) return object;
  Value out = object;
  std::vector<Way> ways;
  for (const auto& pointer : ignored_.pointers)
    if (auto way = way_by(object, pointer_tokens(pointer), turn_at)) ways.push_back(std::move(*way));
  for (const auto& leaf : managed_)
    if (auto way = way_by(object, leaf, turn_by_field)) ways.push_back(std::move(*way));
  erase_all(out, std::move(ways));
  return out;
}

Value LeftToOthers::left_out(const Value& manifest) const {
  return without(manifest);
}

Value LeftToOthers::as_it_is(const Value& manifest) const {
  const Value* fields = our_fields(live_);
  Value out = manifest;
  std::vector<Way> ways;
  for (const auto& pointer : ignored_.pointers) {
    const auto way = way_by(manifest, pointer_tokens(pointer), turn_at);
    if (!way) continue;
    const Value* now = at_chosen(live_, pointer);
    if (!now || !fields || !reach(*fields, live_, pointer).node) {
      ways.push_back(*way);
      continue;
    }
    Value* node = &out;
    for (const Turn& turn : *way)
      node = turn.item ? &node->as_array()[turn.at] : &node->as_object().at(turn.name);
    *node = *now;
  }
  for (const auto& leaf : managed_)
    if (auto way = way_by(manifest, leaf, turn_by_field)) ways.push_back(std::move(*way));
  erase_all(out, std::move(ways));
  return out;
}

std::vector<FieldPath> LeftToOthers::others(std::vector<FieldPath> paths) const {
  if (!ignored_.fields()) return paths;
  std::set<FieldPath> left(managed_.begin(), managed_.end());
  for (const Value& entry : managed_fields(live_)) {
    const Value* fields = entry.find("fieldsV1");
    if (!fields || !fields->is_object()) continue;
    for (const auto& pointer : ignored_.pointers)
      if (auto found = reach(*fields, live_, pointer); found.node)
        each_leaf(*found.node, found.path, [&](const FieldPath& leaf) { left.insert(leaf); });
  }
  std::erase_if(paths, [&](const FieldPath& path) { return left.contains(path); });
  return paths;
}

std::optional<Cut> cut(const Ignored& ignored, const Value& manifest, const Value& answered) {
  const Value* fields = our_fields(answered);
  if (!fields) return std::nullopt;
  for (const auto& pointer : ignored.pointers) {
    const auto found = reach(*fields, answered, pointer);
    const Value* declared = found.cut ? at_chosen(manifest, found.whole) : nullptr;
    if (!declared) continue;
    const bool has_parts = (declared->is_object() && !declared->as_object().empty()) ||
                           (declared->is_array() && !declared->as_array().empty());
    if (has_parts) return Cut{pointer, found.whole};
  }
  return std::nullopt;
}

}  // namespace gitopsd::kubernetes
