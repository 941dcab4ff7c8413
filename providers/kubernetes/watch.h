// Sees changes of what we applied within milliseconds: metadata-only watches on the kinds that are owned.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "providers/kubernetes/cluster.h"
#include "providers/kubernetes/health_judge.h"
#include "providers/kubernetes/owned.h"
#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

/// Thread-safe. The verdict is exact: an event that our own writes do not explain is a change when our entry
/// in managedFields, the uid or the deletion mark says so, and else after one GET by the values that we own.
class Watch {
 public:
  /// Ids of one application, or everything of everybody.
  using Changed = std::function<void(const std::string& application, std::vector<ResourceId>, bool all)>;

  Watch(Cluster&, const OwnedDigests&, const HealthJudge&, Changed);
  ~Watch();

  /// From now on tells of changes to it, also of one between `receipt` and now. Returns at once.
  void add(const Id&, const std::string& application, const Receipt&, const std::shared_ptr<const Policy>&);
  void remove(const Id&);
  /// Waits until every object of that kind and namespace has been seen once; false when it did not come so
  /// far.
  bool await_seen(const GroupKind&, const std::string& space, Deadline);
  /// How the watch knows it to be: as the receipt says (whose resource version may have moved on meanwhile),
  /// gone, or not known to be either.
  enum class View { unknown, same, gone };
  View view(const Id&, const Receipt&) const;
  /// How many objects there are of that kind in that namespace; nullopt while that is not seen.
  std::optional<std::size_t> count(const GroupKind&, const std::string& space) const;
  /// What is known of those of that kind in that namespace.
  std::map<Id, Receipt> known(const GroupKind&, const std::string& space) const;
  /// The health of the object in that version. While it is progressing every event of it is told.
  void judged(const Id&, const std::string& resource_version, const Judgement&);
  /// The health as it was judged, where nothing was written since.
  std::optional<Judgement> health(const Id&) const;

  /// While it lives, events of the object are held back: they may come before the answer to our write.
  class Writing {
   public:
    Writing(Watch&, Id);
    ~Writing();
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;

   private:
    Watch& watch_;
    Id id_;
  };
  /// What the object is known by after a write, or after it was compared and found unchanged.
  void knows(const Id&, const Receipt&);

 private:
  struct Event {
    std::string uid, entry;
    std::uint64_t version = 0;  ///< resourceVersion, as a number
    bool gone = false, going = false;
  };
  struct Known {
    std::string application;
    Receipt receipt;
    std::uint64_t version = 0;  ///< the receipt's
    std::shared_ptr<const Policy> policy;
    int writes = 0;
    bool asking = false;  ///< a GET is under way
    std::optional<Judgement> health;
    std::uint64_t health_version = 0;
    std::optional<Event> held;
  };
  struct Line;
  using Place = std::pair<GroupKind, std::string>;  ///< kind and namespace

  void open(const std::shared_ptr<Line>&);
  void list(const std::shared_ptr<Line>&, const std::string& next_page);
  void follow(const std::shared_ptr<Line>&, const std::string& resource_version);
  void listed(const std::shared_ptr<Line>&, const std::string& body);
  void compare_all(const std::shared_ptr<Line>&);
  void take(const std::shared_ptr<Line>&, std::string_view bytes);
  void read_line(const std::shared_ptr<Line>&, std::string_view json);
  void again(const std::shared_ptr<Line>&, bool from_the_list);
  void judge(const Id&, Event);
  void ask(const Id&, const Known&, const Event&);
  void tell(const Id&, const std::string& application);
  Event event_of(const Value& object, bool gone) const;
  void start_line(const Id&, const std::shared_ptr<const Policy>&);
  Line* line_of(const GroupKind&, const std::string& space) const;
  void loop();

  Cluster& cluster_;
  const OwnedDigests& digests_;
  const HealthJudge& health_;
  const Changed changed_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Id, Known> known_;
  std::map<Place, std::shared_ptr<Line>> lines_;
  std::vector<std::pair<Monotonic::time_point, std::shared_ptr<Line>>> to_open_;
  int open_calls_ = 0;  ///< callbacks that may still come
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gitopsd::kubernetes
