#include "providers/kubernetes/owned.h"

#include <algorithm>
#include <functional>
#include <set>
#include <span>

#include "base/hash.h"
#include "base/json.h"
#include "providers/kubernetes/left_to_others.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kDigestBytes = 16;
/// As many as fit into a receipt; beyond it their values count, too.
constexpr std::size_t kMostBare = 32;
/// Of a leaf in a receipt: of its path, and of its value.
constexpr std::size_t kPathDigits = 4, kValueDigits = 4;
/// The protocol's 1 KiB, less what a newer resource version may add.
constexpr std::size_t kMostReceipt = 1000;

/// Visits each owned leaf with its path, in an order that follows our list items' order in the live object.
/// (structured-merge-diff's fieldpath: f:NAME, k:{KEYS}, v:VALUE, i:INDEX; `.` is the node itself.)
class FieldWalk {
 public:
  using Visit = std::function<void(const std::string& path, const Value* live, bool leaf)>;
  explicit FieldWalk(Visit visit) : visit_(std::move(visit)) {}

  void walk(const Value& fields, const Value* live, const std::string& path) {
    const auto& members = fields.as_object();
    if (members.empty()) return visit_(path, live, true);
    std::vector<const std::pair<const std::string, Value>*> items;
    for (const auto& member : members) {
      const std::string& name = member.first;
      if (name == ".") {
        visit_(path + "/.", live, false);
      } else if (name.starts_with("f:")) {
        walk(member.second, live ? live->find(std::string_view(name).substr(2)) : nullptr, path + "/" + name);
      } else {
        items.push_back(&member);
      }
    }
    if (!items.empty()) walk_items(items, live, path);
  }

 private:
  using Item = const std::pair<const std::string, Value>*;

  void walk_items(std::vector<Item>& items, const Value* live, const std::string& path) {
    std::vector<bool> seen(items.size());
    if (live && live->is_array())
      for (std::size_t at = 0; at < live->as_array().size(); ++at)
        for (std::size_t i = 0; i < items.size(); ++i) {
          if (seen[i] || !names(items[i]->first, live->as_array()[at], at)) continue;
          seen[i] = true;
          walk(items[i]->second, &live->as_array()[at], path + "/" + items[i]->first);
        }
    for (std::size_t i = 0; i < items.size(); ++i)
      if (!seen[i]) visit_(path + "/" + items[i]->first, nullptr, true);
  }

  static bool names(const std::string& element, const Value& live, std::size_t index) {
    if (element.starts_with("i:")) return element.substr(2) == std::to_string(index);
    return token_names(element, live);
  }

  Visit visit_;
};

bool is_empty_object(const Value* value) {
  return value && value->is_object() && value->as_object().empty();
}

}  // namespace

std::string Receipt::text() const {
  Value out =
      Value::object({{"v", version}, {"u", uid}, {"r", resource_version}, {"e", entry}, {"o", owned}});
  if (!bare.empty()) {
    Value::Array list(bare.begin(), bare.end());
    out.set("b", std::move(list));
  }
  if (!ignored.empty()) out.set("i", ignored);
  if (!leaves.empty()) out.set("l", leaves);
  if (!hook.empty()) out.set("h", hook);
  return to_json(out);
}

std::optional<Receipt> Receipt::parse(const std::string& text) try {
  if (text.empty()) return std::nullopt;
  const Value in = parse_json(text);
  Receipt receipt{in.get_string("v"), in.get_string("u"), in.get_string("r"),
                  in.get_string("e"), in.get_string("o"), {},
                  in.get_string("i"), in.get_string("l")};
  receipt.hook = in.get_string("h");
  for (const Value& item : in.get_array("b")) receipt.bare.push_back(item.as_string());
  if (receipt.uid.empty() || receipt.entry.empty() || receipt.owned.empty()) return std::nullopt;
  return receipt;
} catch (const Failure&) {
  return std::nullopt;
}

std::string OwnedDigests::digest(std::string_view bytes) const {
  const auto whole = hmac_sha256(key_.reveal(), bytes);
  return to_hex(std::span(whole).first(kDigestBytes));
}

std::string OwnedDigests::entry(const Value& fields) const {
  return digest(to_json(fields));
}

std::string OwnedDigests::owned(const Value& object, const Value& fields,
                                const std::vector<std::string>& bare) const {
  std::string all;
  FieldWalk([&](const std::string& path, const Value* live, bool leaf) {
    all += path;
    all += '\n';
    const bool presence = !leaf || (!bare.empty() && std::find(bare.begin(), bare.end(),
                                                               digest(path).substr(0, 8)) != bare.end());
    all += !live ? "absent" : presence ? "there" : to_json(*live);
    all += '\n';
  }).walk(fields, &object, {});
  return digest(all);
}

/// Each leaf as it goes into a receipt, in the order of the walk.
std::vector<std::string> OwnedDigests::leaves(const Value& object, const Value& fields,
                                              const std::vector<std::string>& bare) const {
  std::vector<std::string> out;
  FieldWalk([&](const std::string& path, const Value* live, bool leaf) {
    if (!leaf) return;
    const auto name = digest(path);
    const bool presence = std::find(bare.begin(), bare.end(), name.substr(0, 8)) != bare.end();
    const auto value = digest(!live ? "absent" : presence ? "there" : to_json(*live));
    out.push_back(name.substr(0, kPathDigits) + value.substr(0, kValueDigits));
  }).walk(fields, &object, {});
  return out;
}

bool OwnedDigests::only_yielded(const Value& object, const Receipt& receipt, const Ignored& ignored) const {
  const Value* fields = our_fields(object);
  if (receipt.leaves.empty() || !fields || receipt.ignored != ignored.key()) return false;
  std::set<std::string> taken;
  for (const auto& path : leaves_of_managers(ignored, object)) {
    std::string text;
    for (const auto& token : path) text += "/" + token;
    taken.insert(digest(text).substr(0, kPathDigits));
  }
  const auto now = leaves(object, *fields, receipt.bare);
  auto next = now.begin();
  constexpr std::size_t kLeaf = kPathDigits + kValueDigits;
  for (std::size_t at = 0; at + kLeaf <= receipt.leaves.size(); at += kLeaf) {
    const auto was = std::string_view(receipt.leaves).substr(at, kLeaf);
    if (next != now.end() && *next == was)
      ++next;
    else if (!taken.contains(std::string(was.substr(0, kPathDigits))))
      return false;
  }
  return next == now.end();
}

std::optional<Receipt> OwnedDigests::receipt(const Value& object, const Value& applied,
                                             const Ignored& ignored) const {
  const Value* fields = our_fields(object);
  const Value* metadata = object.find("metadata");
  if (!fields || !metadata) return std::nullopt;
  Receipt receipt;
  receipt.version = object.get_string("apiVersion");
  receipt.uid = metadata->get_string("uid");
  receipt.resource_version = metadata->get_string("resourceVersion");
  receipt.entry = entry(*fields);
  FieldWalk([&](const std::string& path, const Value* sent, bool leaf) {
    if (leaf && is_empty_object(sent) && receipt.bare.size() < kMostBare)
      receipt.bare.push_back(digest(path).substr(0, 8));
  }).walk(*fields, &applied, {});
  receipt.owned = owned(object, *fields, receipt.bare);
  receipt.ignored = ignored.key();
  if (ignored.managers.empty()) return receipt;
  for (const auto& leaf : leaves(object, *fields, receipt.bare)) receipt.leaves += leaf;
  // Without them, what a manager takes is told once as drift, and found to be none.
  if (receipt.text().size() > kMostReceipt) receipt.leaves.clear();
  return receipt;
}

}  // namespace gitopsd::kubernetes
