#include "providers/kubernetes/takeover.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/server_field.h"

namespace gitopsd::kubernetes {
namespace {

/// kubectl's own note, which says nothing of the object.
constexpr std::string_view kLastApplied = "f:kubectl.kubernetes.io/last-applied-configuration";

bool is_update(const Value& entry) {
  return entry.get_string("operation") == "Update" && entry.get_string("subresource").empty();
}

bool is_kubectl(const Value& entry) {
  const std::string manager = entry.get_string("manager");
  return is_update(entry) && (manager == "kubectl-client-side-apply" || manager == "before-first-apply");
}

/// Tools that make a cluster match what is declared somewhere, by what they call themselves: kubectl's
/// server-side apply, Argo CD, Flux's controllers and its command, Helm.
bool is_deployer(const Value& entry) {
  constexpr std::array<std::string_view, 6> kNames{
      "kubectl", "argocd-controller", "kustomize-controller", "helm-controller", "flux", "helm"};
  return entry.get_string("subresource").empty() &&
         std::find(kNames.begin(), kNames.end(), entry.get_string("manager")) != kNames.end();
}

/// An apply is somebody's declaration, which is left to them; a deployer's is one that ours takes the place
/// of.
bool may_lose(const Value& entry) {
  return is_update(entry) || is_deployer(entry);
}

/// What others' updates own and we do not, by leaf.
std::vector<FieldPath> foreign_leaves(const Value& live) {
  std::vector<FieldPath> out;
  const Value* ours = our_fields(live);
  for (const Value& entry : managed_fields(live)) {
    const Value* fields = entry.find("fieldsV1");
    if (!is_update(entry) || !fields) continue;
    FieldPath path;
    each_leaf(*fields, path, [&](const FieldPath& leaf) {
      if (!node_at(ours, leaf, leaf.size())) out.push_back(leaf);
    });
  }
  return out;
}

/// A place that the server names, "spec.ports[1].name", as names and indices.
struct Place {
  std::vector<std::string> names;  ///< an index is its digits
  std::vector<bool> index;
};

Place place_of(const std::string& field) {
  Place place;
  std::string pointer = pointer_of_field(field);
  for (std::size_t at = 1; at <= pointer.size() && !pointer.empty();) {
    const auto end = std::min(pointer.find('/', at), pointer.size());
    place.names.push_back(pointer.substr(at, end - at));
    const std::string& name = place.names.back();
    place.index.push_back(!name.empty() &&
                          std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }));
    at = end + 1;
  }
  return place;
}

/// Whether a foreign leaf lies where the server's place points: in the same list item, by the live object's
/// indices, or anywhere in the same list where `whole_list`.
bool lies_at(const FieldPath& leaf, const Place& place, const Value& live, bool whole_list) {
  std::size_t last = place.names.size();
  while (last > 0 && !place.index[last - 1]) --last;  // one past the innermost index
  if (last == 0) return false;
  const Value* node = &live;
  for (std::size_t i = 0; i < last; ++i) {
    if (i >= leaf.size() || !node) return false;
    if (!place.index[i]) {
      if (leaf[i] != "f:" + place.names[i]) return false;
      node = node->find(place.names[i]);
      continue;
    }
    if (i + 1 == last && whole_list) return true;
    std::size_t at = 0;
    std::from_chars(place.names[i].data(), place.names[i].data() + place.names[i].size(), at);
    if (!node->is_array() || at >= node->as_array().size()) return false;
    node = &node->as_array()[at];
    if (!token_names(leaf[i], *node)) return false;
  }
  return true;
}

/// The item of a list that a token names; nullptr where there is none.
const Value* item_of(const Value* list, const std::string& token) {
  if (!list || !list->is_array()) return nullptr;
  const auto& items = list->as_array();
  const auto it =
      std::find_if(items.begin(), items.end(), [&](const Value& item) { return token_names(token, item); });
  return it == items.end() ? nullptr : &*it;
}

/// A place in a live object, by the names that managedFields has for it.
struct Member {
  FieldPath path;
  const Value* live = nullptr;
  const Value* declared = nullptr;
};

/// Nothing live where the place is not there, or is in a list item that is not ours.
Member member_at(const Place& place, const Value& live, const Value& declared) {
  Member at{{}, &live, &declared};
  const Value* ours = our_fields(live);
  for (std::size_t i = 0; i < place.names.size() && at.live; ++i) {
    if (!place.index[i]) {
      at.path.push_back("f:" + place.names[i]);
      at.live = at.live->find(place.names[i]);
      at.declared = at.declared ? at.declared->find(place.names[i]) : nullptr;
      continue;
    }
    const Value* list = node_at(ours, at.path, at.path.size());
    std::size_t index = 0;
    std::from_chars(place.names[i].data(), place.names[i].data() + place.names[i].size(), index);
    if (!list || !at.live->is_array() || index >= at.live->as_array().size()) return {};
    const Value& item = at.live->as_array()[index];
    const auto& tokens = list->as_object();
    const auto token = std::find_if(tokens.begin(), tokens.end(),
                                    [&](const auto& member) { return token_names(member.first, item); });
    if (token == tokens.end()) return {};
    at.path.push_back(token->first);
    at.live = &item;
    at.declared = item_of(at.declared, token->first);
  }
  return at;
}

bool lies_below(const FieldPath& leaf, const FieldPath& path) {
  return leaf.size() >= path.size() && std::equal(path.begin(), path.end(), leaf.begin());
}

/// Lists are taken whole.
void value_leaves(const Value& value, FieldPath& path, std::vector<FieldPath>& out) {
  if (!value.is_object() || value.as_object().empty()) return out.push_back(path);
  for (const auto& [name, child] : value.as_object()) {
    path.push_back("f:" + name);
    value_leaves(child, path, out);
    path.pop_back();
  }
}

Value* child_of(Value& node, const std::string& token) {
  if (token.starts_with("f:") && node.is_object()) {
    const auto it = node.as_object().find(token.substr(2));
    return it == node.as_object().end() ? nullptr : &it->second;
  }
  return const_cast<Value*>(item_of(&node, token));
}

void erase_child(Value& node, const Value* child) {
  if (node.is_object())
    std::erase_if(node.as_object(), [&](const auto& member) { return &member.second == child; });
  else if (auto& items = node.as_array(); !items.empty())
    items.erase(items.begin() + (child - items.data()));
}

bool is_empty(const Value& value) {
  return (value.is_object() && value.as_object().empty()) || (value.is_array() && value.as_array().empty());
}

/// Takes a leaf's value out, or puts that of `fresh` in its place; what is empty without it goes as well.
/// Whether anything went.
bool take_out(Value& node, const Value* fresh, const FieldPath& path, std::size_t depth) {
  Value* child = child_of(node, path[depth]);
  if (!child) return false;
  const Value* anew = fresh ? child_of(const_cast<Value&>(*fresh), path[depth]) : nullptr;
  if (depth + 1 < path.size() && path[depth + 1] != ".") {
    if (!take_out(*child, anew, path, depth + 1)) return false;
    if (is_empty(*child) && !anew) erase_child(node, child);
    return true;
  }
  const bool has_members = depth + 1 < path.size();
  if (has_members && (path[depth].starts_with("f:") || anew)) return false;  // they go one by one
  if (anew)
    *child = *anew;
  else
    erase_child(node, child);
  return true;
}

void add_path(Value& fields, const FieldPath& path) {
  Value* node = &fields;
  for (const auto& name : path) {
    auto& members = node->as_object();
    auto it = members.find(name);
    if (it == members.end()) it = members.emplace(name, Value::object()).first;
    node = &it->second;
  }
}

}  // namespace

std::vector<FieldPath> fields_of_deployers(const Value& live, bool ours) {
  std::vector<FieldPath> out;
  for (const Value& entry : managed_fields(live)) {
    const Value* fields = entry.find("fieldsV1");
    if (!fields || !(is_kubectl(entry) || (!ours && is_deployer(entry)))) continue;
    FieldPath path;
    each_leaf(*fields, path, [&](const FieldPath& leaf) { out.push_back(leaf); });
  }
  return out;
}

std::vector<FieldPath> foreign_items(const Value& then) {
  std::vector<FieldPath> out;
  const Value* ours = our_fields(then);
  for (auto& leaf : foreign_leaves(then)) {
    for (std::size_t depth = 0; depth < leaf.size(); ++depth) {
      if (!leaf[depth].starts_with("k:") && !leaf[depth].starts_with("v:")) continue;
      const Value* list = node_at(ours, leaf, depth);
      const bool we_have_items =
          list && std::any_of(list->as_object().begin(), list->as_object().end(), [](const auto& member) {
            return member.first.starts_with("k:") || member.first.starts_with("v:");
          });
      if (!we_have_items || list->as_object().contains(leaf[depth])) continue;
      out.push_back(std::move(leaf));
      break;
    }
  }
  return out;
}

std::vector<FieldPath> in_the_way(const Value& live, const Value& status) {
  std::vector<FieldPath> out;
  const Value* details = status.find("details");
  if (!details) return out;
  for (auto& leaf : foreign_leaves(live)) {
    const auto& causes = details->get_array("causes");
    const bool named = std::any_of(causes.begin(), causes.end(), [&](const Value& cause) {
      const bool clash = cause.get_string("reason") == "FieldValueDuplicate";
      return lies_at(leaf, place_of(cause.get_string("field")), live, clash);
    });
    if (named) out.push_back(std::move(leaf));
  }
  return out;
}

std::vector<FieldPath> forbidden_members(const Value& live, const Value& declared, const Value& status,
                                         bool foreign_too) {
  std::vector<FieldPath> out;
  const Value* details = status.find("details");
  if (!details) return out;
  const auto foreign = foreign_leaves(live);
  for (const Value& cause : details->get_array("causes")) {
    if (cause.get_string("reason") != "FieldValueForbidden") continue;
    auto [path, there, wanted] = member_at(place_of(cause.get_string("field")), live, declared);
    if (!there || path.empty() || (wanted && !wanted->is_null()) ||
        node_at(our_fields(live), path, path.size()))
      continue;
    std::vector<FieldPath> theirs;
    for (const auto& leaf : foreign)
      if (lies_below(leaf, path)) theirs.push_back(leaf);
    if (!theirs.empty() && !foreign_too) continue;
    value_leaves(*there, path, out);
    out.insert(out.end(), theirs.begin(), theirs.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Value after_taking(const Value& then, const std::vector<FieldPath>& take, const Value& fresh) {
  const Value moved = moved_to_us(then, take);
  const auto held = [&](const FieldPath& path) {
    const std::size_t depth = path.size() - (path.back() == "." ? 1 : 0);
    return node_at(our_fields(then), path, depth) ||
           std::any_of(moved.as_array().begin(), moved.as_array().end(), [&](const Value& entry) {
             return !is_our_entry(entry) && node_at(entry.find("fieldsV1"), path, depth);
           });
  };
  Value out = then;
  for (const auto& path : take)
    if (!path.empty() && path.back() != kLastApplied && !held(path))
      take_out(out, fresh.is_null() ? nullptr : &fresh, path, 0);
  return out;
}

Value moved_to_us(const Value& live, const std::vector<FieldPath>& paths) {
  Value::Array entries = managed_fields(live);
  Value* ours = nullptr;
  for (Value& entry : entries) {
    if (is_our_entry(entry)) ours = &entry;
  }
  if (!ours) {
    entries.push_back(Value::object({{"manager", kManager},
                                     {"operation", "Apply"},
                                     {"apiVersion", live.get_string("apiVersion")},
                                     {"fieldsType", "FieldsV1"},
                                     {"fieldsV1", Value::object()}}));
    ours = &entries.back();
  }
  for (const auto& path : paths) {
    add_path(ours->as_object().at("fieldsV1"), path);
    for (Value& entry : entries)
      if (&entry != ours && may_lose(entry) && entry.find("fieldsV1"))
        remove_path(entry.as_object().at("fieldsV1"), path);
  }
  std::erase_if(entries, [](const Value& entry) {
    const Value* fields = entry.find("fieldsV1");
    return may_lose(entry) && fields && fields->is_object() && fields->as_object().empty();
  });
  return Value(std::move(entries));
}

}  // namespace gitopsd::kubernetes
