#include "providers/kubernetes/fields_diff.h"

#include <array>
#include <functional>
#include <set>
#include <vector>

#include "base/json.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kMostDiff = 64u << 10;
constexpr std::size_t kMostValue = 1024;
constexpr std::size_t kMostPaths = 5;
constexpr const char* kHidden = "(not shown)";

const std::set<std::string, std::less<>> kServers{
    "/status",       "/metadata/managedFields",     "/metadata/resourceVersion", "/metadata/generation",
    "/metadata/uid", "/metadata/creationTimestamp", "/metadata/selfLink"};

/// The member by which list items of these kinds are told apart.
std::string item_key(const Value::Array& before, const Value::Array& after) {
  static const std::array<const char*, 6> keys{"name", "key", "containerPort", "port", "mountPath", "ip"};
  for (const char* key : keys) {
    const auto all_have = [&](const Value::Array& items) {
      std::set<std::string> seen;
      for (const Value& item : items)
        if (!item.is_object() || !item.find(key) || !seen.insert(to_json(*item.find(key))).second)
          return false;
      return true;
    };
    if (all_have(before) && all_have(after)) return key;
  }
  return {};
}

std::string text_of(const Value& value) {
  std::string text = value.is_string() ? value.as_string() : to_json(value);
  if (value.is_string() && (text.empty() || text.find_first_of("\n\"") != text.npos)) text = to_json(value);
  if (text.size() > kMostValue)
    text = text.substr(0, kMostValue) + "... (" + std::to_string(text.size()) + " bytes)";
  return text;
}

/// Tells each leaf that differs: path for people, and the values or nullptr.
class Comparer {
 public:
  using Tell = std::function<void(const std::string& path, const Value* before, const Value* after)>;
  explicit Comparer(Tell tell) : tell_(std::move(tell)) {}

  void compare(const Value* before, const Value* after, const std::string& path, const std::string& pointer) {
    if (kServers.contains(pointer)) return;
    if (before && before->is_null()) before = nullptr;
    if (after && after->is_null()) after = nullptr;
    if ((!before && !after) || (before && after && *before == *after)) return;
    const Value* shape = after ? after : before;
    const bool same_shape = !before || !after || before->data().index() == after->data().index();
    if (same_shape && shape->is_object() && !shape->as_object().empty())
      return objects(before, after, path, pointer);
    if (same_shape && shape->is_array() && !shape->as_array().empty())
      return arrays(before, after, path, pointer);
    tell_(path, before, after);
  }

 private:
  void objects(const Value* before, const Value* after, const std::string& path, const std::string& pointer) {
    std::set<std::string> names;
    for (const Value* side : {before, after})
      if (side)
        for (const auto& [name, value] : side->as_object()) names.insert(name);
    for (const auto& name : names) {
      const bool plain = name.find('.') == name.npos;
      const std::string here = plain ? (path.empty() ? name : path + "." + name) : path + "[" + name + "]";
      compare(before ? before->find(name) : nullptr, after ? after->find(name) : nullptr, here,
              pointer + pointer_token(name));
    }
  }

  void arrays(const Value* before, const Value* after, const std::string& path, const std::string& pointer) {
    static const Value::Array none;
    const auto& was = before ? before->as_array() : none;
    const auto& is = after ? after->as_array() : none;
    const std::string key = item_key(was, is);
    if (key.empty()) {
      for (std::size_t i = 0; i < std::max(was.size(), is.size()); ++i)
        compare(i < was.size() ? &was[i] : nullptr, i < is.size() ? &is[i] : nullptr,
                path + "[" + std::to_string(i) + "]", pointer + "/" + std::to_string(i));
      return;
    }
    const auto find = [&](const Value::Array& items, const Value& wanted) -> const Value* {
      for (const Value& item : items)
        if (*item.find(key) == wanted) return &item;
      return nullptr;
    };
    for (const Value& item : is)
      compare(find(was, *item.find(key)), &item, path + "[" + text_of(*item.find(key)) + "]", pointer + "/-");
    for (const Value& item : was)
      if (!find(is, *item.find(key)))
        compare(&item, nullptr, path + "[" + text_of(*item.find(key)) + "]", pointer + "/-");
    // Containers start, and variables refer to each other, in their order.
    Value::Array was_order, is_order;
    for (const Value& item : was)
      if (find(is, *item.find(key))) was_order.push_back(*item.find(key));
    for (const Value& item : is)
      if (find(was, *item.find(key))) is_order.push_back(*item.find(key));
    if (was_order == is_order) return;
    const Value before_order(std::move(was_order)), after_order(std::move(is_order));
    tell_(path + " (order)", &before_order, &after_order);
  }

  Tell tell_;
};

void compare_objects(const Value& before, const Value& after, const Comparer::Tell& tell) {
  Comparer(tell).compare(&before, &after, {}, {});
}

}  // namespace

std::string fields_diff(const Value& before, const Value& after, bool secret) {
  std::string out;
  compare_objects(before, after, [&](const std::string& path, const Value* was, const Value* is) {
    if (out.size() > kMostDiff) return;
    const bool hidden = secret && (path.starts_with("data") || path.starts_with("stringData") ||
                                   path.find("last-applied-configuration") != path.npos);
    if (was) out += "- " + path + ": " + (hidden ? kHidden : text_of(*was)) + "\n";
    if (is) out += "+ " + path + ": " + (hidden ? kHidden : text_of(*is)) + "\n";
    if (out.size() > kMostDiff) out += "... more differs\n";
  });
  return out;
}

std::string changed_paths(const Value& before, const Value& after) {
  std::string out;
  std::size_t count = 0;
  compare_objects(before, after, [&](const std::string& path, const Value*, const Value*) {
    if (++count <= kMostPaths) out += (out.empty() ? "" : ", ") + path;
  });
  if (count > kMostPaths) out += " and " + std::to_string(count - kMostPaths) + " more";
  return out;
}

bool differs(const Value& before, const Value& after) {
  bool any = false;
  compare_objects(before, after, [&](const std::string&, const Value*, const Value*) { any = true; });
  return any;
}

}  // namespace gitopsd::kubernetes
