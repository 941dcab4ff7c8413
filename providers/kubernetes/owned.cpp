#include "providers/kubernetes/owned.h"

#include <algorithm>
#include <functional>
#include <span>

#include "base/hash.h"
#include "base/json.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kDigestBytes = 16;
/// As many as fit into a receipt; beyond it their values count, too.
constexpr std::size_t kMostBare = 32;

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
  return to_json(out);
}

std::optional<Receipt> Receipt::parse(const std::string& text) try {
  if (text.empty()) return std::nullopt;
  const Value in = parse_json(text);
  Receipt receipt{in.get_string("v"), in.get_string("u"), in.get_string("r"),
                  in.get_string("e"), in.get_string("o"), {}};
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

std::optional<Receipt> OwnedDigests::receipt(const Value& object, const Value& applied) const {
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
  return receipt;
}

}  // namespace gitopsd::kubernetes
