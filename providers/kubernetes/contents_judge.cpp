#include <algorithm>

#include "providers/kubernetes/contents.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kMostIds = 100;
constexpr std::size_t kMostInText = 5;

const GroupKind kAccount{"", "ServiceAccount"};

bool has_annotation(const Value& object, const char* key) {
  const Value* annotations = object.at_pointer("/metadata/annotations");
  return annotations && annotations->is_object() && annotations->find(key);
}

/// What every namespace gets by itself, and what elections of leaders leave.
bool of_the_system(const Id& id, const Value& object) {
  static const std::set<std::pair<GroupKind, std::string>> made{
      {{"", "ConfigMap"}, "kube-root-ca.crt"},
      {{"", "ConfigMap"}, "openshift-service-ca.crt"},
      {{"", "ConfigMap"}, "istio-ca-root-cert"},
      {kAccount, "default"}};
  const bool reserved = id.type.group == "rbac.authorization.k8s.io" && id.name.starts_with("system:");
  return reserved || made.contains({id.type, id.name}) ||
         has_annotation(object, "control-plane.alpha.kubernetes.io/leader");
}

}  // namespace

bool is_fleeting(const GroupKind& type) {
  static const std::set<GroupKind> kinds{{"", "Event"},
                                         {"", "Endpoints"},
                                         {"events.k8s.io", "Event"},
                                         {"coordination.k8s.io", "Lease"},
                                         {"discovery.k8s.io", "EndpointSlice"},
                                         {"storage.k8s.io", "CSIStorageCapacity"}};
  return kinds.contains(type);
}

void ContentsJudge::take(const GroupKind& type, const Value& object) {
  if (going_.contains(text_at(object, "/metadata/uid"))) return;
  Object taken;
  taken.id = {type, text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name")};
  taken.uid = text_at(object, "/metadata/uid");
  taken.spared = object.at_pointer("/metadata/deletionTimestamp") || of_the_system(taken.id, object);
  for (const Value& owner : list_at(object, "/metadata/ownerReferences"))
    taken.owners.push_back({{ApiVersion::parse(text_at(owner, "/apiVersion")).group, text_at(owner, "/kind")},
                            text_at(owner, "/uid")});
  // A token of a service account goes with that, though no reference says so.
  const std::string account = text_at(object, "/metadata/annotations/kubernetes.io~1service-account.uid");
  if (!account.empty()) taken.owners.push_back({kAccount, account});
  objects_.push_back(std::move(taken));
}

/// Only what nothing else owns is told: the rest goes and stays with it.
Contents ContentsJudge::judge(const std::function<bool(const GroupKind&)>& all_taken) const {
  std::set<std::string_view> there;
  for (const auto& object : objects_) there.insert(object.uid);
  const auto owned = [&](const Object& object) {
    const auto& owners = object.owners;
    const bool any = std::any_of(owners.begin(), owners.end(), [&](const Owner& owner) {
      return there.contains(owner.uid) || going_.contains(owner.uid);
    });
    const bool garbage =
        !owners.empty() &&
        std::all_of(owners.begin(), owners.end(), [&](const Owner& owner) { return all_taken(owner.type); });
    return any || garbage;
  };
  std::set<std::string_view> told;  // an object may be of two kinds, of an old group and a new one
  Contents contents;
  for (const auto& object : objects_)
    if (!object.spared && !owned(object) && told.insert(object.uid).second)
      contents.ids.push_back(object.id.str());
  contents.count = contents.ids.size();
  std::sort(contents.ids.begin(), contents.ids.end());
  if (contents.ids.size() > kMostIds) contents.ids.resize(kMostIds);
  return contents;
}

bool Contents::has_more_than(const std::vector<std::string>& before) const {
  return count == ids.size() && !std::includes(before.begin(), before.end(), ids.begin(), ids.end());
}

std::string Contents::text() const {
  if (count == 0) return unknown.empty() ? std::string() : "nobody can say what it holds: " + unknown;
  std::string out = "it holds " + std::to_string(count) + (count == 1 ? " object" : " objects") +
                    " that nobody asked to delete: ";
  const std::size_t named = std::min(count, kMostInText);
  for (std::size_t i = 0; i < named; ++i) out += (i == 0 ? "" : ", ") + ids[i];
  if (count > named) out += " and " + std::to_string(count - named) + " more";
  return out + (unknown.empty() ? "" : "; nobody can say what else: " + unknown);
}

std::string Contents::way_out(const GroupKind& of) const {
  return (hint.empty() ? "delete or move what it holds" : hint) + ", or let `deleteForeign: [" + of.kind +
         "]` in the application's policy delete it with everything in it";
}

}  // namespace gitopsd::kubernetes
