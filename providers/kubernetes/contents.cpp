#include "providers/kubernetes/contents.h"

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr int kContentsPage = 500;
/// Pages in memory at once.
constexpr std::size_t kPagesAtOnce = 16;
constexpr std::size_t kMostObjects = 20'000;
constexpr auto kContentsPatience = 20s;
constexpr auto kPagePatience = 10s;

/// A list of one kind that is not read to its end.
struct Listing {
  GroupKind type;
  std::string plural, path, next;
};

class ContentsReader {
 public:
  ContentsReader(Cluster& cluster, const Policy& policy, const std::set<std::string>& going)
      : cluster_(cluster), policy_(policy), judge_(going) {}

  Contents of_namespace(const std::string& space) {
    const auto kinds = cluster_.kinds_not_older_than(500ms);
    std::set<GroupKind> taken;
    for (const auto& [type, kind] : kinds->all()) {
      if (!kind.namespaced || !kind.deletable || kind.versions.empty() || is_fleeting(type)) continue;
      open_.push_back({type, kind.plural, path_of(kind, type, kind.versions.front(), space, {}), {}});
      taken.insert(type);
    }
    read();
    return contents([&](const GroupKind& type) { return taken.contains(type); }, " in namespace " + space);
  }

  /// In all namespaces.
  Contents of_definition(const Value& definition) {
    const GroupKind type{text_at(definition, "/spec/group"), text_at(definition, "/spec/names/kind")};
    // Of names that another definition has nothing is served, and nothing was ever made.
    if (!condition_of(definition, "Established").is_true()) return {};
    KindInfo kind;
    kind.plural = text_at(definition, "/spec/names/plural");
    kind.namespaced = text_at(definition, "/spec/scope") == "Namespaced";
    const auto version = listed_version(definition);
    if (!version) {
      unknown_ = "none of its versions is served";
      return contents([](const GroupKind&) { return false; }, {});
    }
    established_ = true;
    open_.push_back({type, kind.plural, path_of(kind, type, *version, {}, {}), {}});
    read();
    return contents([&](const GroupKind& owner) { return owner == type; }, " in the whole cluster");
  }

 private:
  /// Best as they are stored: the webhook that converts them may be gone.
  static std::optional<std::string> listed_version(const Value& definition) {
    std::optional<std::string> found;
    for (const Value& version : list_at(definition, "/spec/versions"))
      if (version.get_bool("served") && (!found || version.get_bool("storage")))
        found = version.get_string("name");
    return found;
  }

  void read() {
    const auto until = Monotonic::now() + kContentsPatience;
    while (!open_.empty()) {
      if (judge_.size() > kMostObjects || Monotonic::now() > until) {
        unknown_ = "there is more than can be looked at";
        return;
      }
      const auto first = open_.size() - std::min(open_.size(), kPagesAtOnce);
      std::vector<Listing> now(std::make_move_iterator(open_.begin() + static_cast<std::ptrdiff_t>(first)),
                               std::make_move_iterator(open_.end()));
      open_.resize(first);
      std::vector<HttpRequest> requests;
      requests.reserve(now.size());
      for (const auto& listing : now) requests.push_back(page_of(listing));
      auto answers = send_all(cluster_.http(), std::move(requests));
      for (std::size_t i = 0; i < now.size(); ++i) take(std::move(now[i]), std::move(answers[i]));
    }
  }

  HttpRequest page_of(const Listing& listing) const {
    HttpRequest request;
    request.path = listing.path + "?limit=" + std::to_string(kContentsPage) +
                   (listing.next.empty() ? "" : "&continue=" + escape(listing.next));
    request.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    request.headers = policy_.headers();
    request.timeout = kPagePatience;
    return request;
  }

  void take(Listing listing, HttpResponse answer) {
    const std::string name = listing.type.str();
    if (answer.status == 404 && !established_) return;  // the kind has gone
    if (answer.status != 200) {
      const auto problem = cluster_.problems_of(answer, "cannot list " + name).front();
      if (unknown_.empty()) unknown_ = problem.message;
      if (answer.status == 403)
        denied_ += (denied_.empty() ? "" : ", ") + listing.plural +
                   (listing.type.group.empty() ? "" : "." + listing.type.group);
      return;
    }
    const Value page = parse_go_json(std::exchange(answer.body, {}), listing.path);
    for (const Value& item : page.get_array("items")) judge_.take(listing.type, item);
    listing.next = text_at(page, "/metadata/continue");
    if (!listing.next.empty()) open_.push_back(std::move(listing));
  }

  Contents contents(const std::function<bool(const GroupKind&)>& all_taken, const std::string& where) const {
    Contents out = judge_.judge(all_taken);
    out.unknown = unknown_;
    if (!denied_.empty()) out.hint = "give gitopsd's user the verb `list`" + where + " on " + denied_;
    return out;
  }

  Cluster& cluster_;
  const Policy& policy_;
  ContentsJudge judge_;
  std::vector<Listing> open_;
  bool established_ = false;  ///< of the kind it is known that it is there
  std::string unknown_, denied_;
};

}  // namespace

Contents contents_of(Cluster& cluster, const Policy& policy, const Id& id, const Value& live,
                     const std::set<std::string>& going) {
  ContentsReader reader(cluster, policy, going);
  return id.type.kind == "Namespace" ? reader.of_namespace(id.name) : reader.of_definition(live);
}

}  // namespace gitopsd::kubernetes
