#include "providers/kubernetes/read_objects.h"

#include <map>
#include <string_view>

#include "base/json.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/state.h"

namespace gitopsd::kubernetes {
namespace {

/// From here on a list is cheaper than a GET each, and while it has at most so many others for each that is
/// still wanted: one of a list costs the server a twentieth of a GET.
constexpr std::size_t kFewest = 32;
constexpr std::int64_t kOthersForEach = 8;
constexpr int kPageOfPlan = 250;

class ObjectsReader {
 public:
  ObjectsReader(Cluster& cluster, const Kinds& kinds, const Policy& policy,
                const std::vector<WantedObject>& wanted)
      : cluster_(cluster), kinds_(kinds), policy_(policy), wanted_(wanted), out_(wanted.size()) {}

  std::vector<ReadObject> run() {
    struct Place {
      GroupKind type;
      std::string version, space;
      auto operator<=>(const Place&) const = default;
    };
    std::map<Place, Members> places;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const auto& [id, version] = wanted_[i];
      places[{id.type, version, id.space}].emplace(id.name, i);
    }
    for (auto& [place, members] : places)
      if (members.size() >= kFewest) list(wanted_[members.begin()->second], members);
    for (const auto& [place, members] : places)
      for (const auto& [name, i] : members) each_.push_back(i);
    get_each();
    return std::move(out_);
  }

 private:
  using Members = std::map<std::string_view, std::size_t>;  ///< that are not known yet, by name

  /// What no page had is not there. Whatever goes wrong, the rest is asked for one by one, and then told.
  void list(const WantedObject& like, Members& members) {
    const KindInfo* kind = kinds_.find(like.id.type);
    if (!kind || kind->versions.empty()) return;
    const std::string version = kind->served(like.version);
    HttpRequest ask;
    ask.headers = policy_.headers();
    ask.first = true;  // one answer is worth hundreds of others'
    const std::string path =
        path_of(*kind, like.id.type, version, like.id.space, {}) + "?limit=" + std::to_string(kPageOfPlan);
    const std::string api = like.id.type.group.empty() ? version : like.id.type.group + "/" + version;
    for (std::string next;;) {
      ask.path = path + (next.empty() ? "" : "&continue=" + escape(next));
      auto response = cluster_.http().send(ask);
      if (response.status != 200) return;
      Value page = parse_go_json(std::exchange(response.body, {}), path);
      take_page(page, api, like.id.type.kind, members);
      const Value* metadata = page.find("metadata");
      next = metadata ? metadata->get_string("continue") : std::string();
      if (members.empty()) return;
      if (next.empty()) break;
      const Value* others = metadata->find("remainingItemCount");
      if (!others || !others->is_int() ||
          others->as_int() > kOthersForEach * static_cast<std::int64_t>(members.size()))
        return;
    }
    for (const auto& [name, i] : members) out_[i].response.status = 404;
    members.clear();
  }

  void take_page(Value& page, const std::string& api, const std::string& kind, Members& members) {
    Value* items = page.is_object() && page.find("items") ? &page.as_object().at("items") : nullptr;
    if (!items || !items->is_array()) return;
    for (Value& item : items->as_array()) {
      const Value* name = item.at_pointer("/metadata/name");
      const auto it = name && name->is_string() ? members.find(name->as_string()) : members.end();
      if (it == members.end()) continue;
      ReadObject& read = out_[it->second];
      members.erase(it);
      // Items of a list do not say what they are.
      item.set("apiVersion", api);
      item.set("kind", kind);
      read.response.status = 200;
      read.object = std::move(item);
    }
  }

  void get_each() {
    std::vector<HttpRequest> requests;
    for (const std::size_t i : each_)
      requests.push_back(read_request(kinds_, wanted_[i].id, wanted_[i].version, policy_));
    auto answers = send_all(cluster_.http(), std::move(requests));
    for (std::size_t k = 0; k < each_.size(); ++k) {
      ReadObject& read = out_[each_[k]];
      read.response = std::move(answers[k]);
      if (read.response.status == 200)
        read.object = parse_go_json(std::exchange(read.response.body, {}), wanted_[each_[k]].id.str());
    }
  }

  Cluster& cluster_;
  const Kinds& kinds_;
  const Policy& policy_;
  const std::vector<WantedObject>& wanted_;
  std::vector<std::size_t> each_;
  std::vector<ReadObject> out_;
};

}  // namespace

std::vector<ReadObject> read_objects(Cluster& cluster, const Kinds& kinds, const Policy& policy,
                                     const std::vector<WantedObject>& wanted) {
  return ObjectsReader(cluster, kinds, policy, wanted).run();
}

}  // namespace gitopsd::kubernetes
