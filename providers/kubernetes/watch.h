// Sees changes of what we applied within milliseconds: metadata-only watches on the kinds that are owned.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
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
/// Each change is told once: whoever is told looks, and tries again by himself.
class Watch {
 public:
  /// Ids of one application, or everything of everybody.
  using Changed = std::function<void(const std::string& application, std::vector<ResourceId>, bool all)>;
  /// A kind that cannot be watched, of which changes are only seen when somebody looks; and that it can
  /// again.
  using Troubled = std::function<void(const protocol::Condition&)>;

  Watch(Cluster&, const OwnedDigests&, const HealthJudge&, Changed, Troubled);
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
  /// What is known of it.
  std::optional<Receipt> receipt(const Id&) const;
  /// Whether an event of it came, or a write of ours ended, at that time or later.
  bool moved_since(const Id&, Monotonic::time_point) const;
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
  /// An object as the last event or list has it.
  struct Seen {
    std::string uid, entry;
    std::uint64_t version = 0;  ///< resourceVersion, as a number
    bool gone = false, going = false;
  };
  struct Known {
    std::string application;
    Receipt receipt;
    std::uint64_t version = 0;      ///< the receipt's
    std::uint64_t told = 0;         ///< the version that was last told to be a change
    Monotonic::time_point moved{};  ///< when we last heard of a write
    std::shared_ptr<const Policy> policy;
    bool asking = false;  ///< a GET is under way
    bool unsure = false;  ///< its values may be others although nobody wrote it
    std::optional<Judgement> health;
    std::uint64_t health_version = 0;
    std::optional<Seen> held;
  };
  struct Write {
    int count = 0;
    std::optional<Seen> held;
  };
  struct Line;
  using Lines = std::shared_ptr<Line>;
  using Place = std::pair<GroupKind, std::string>;  ///< kind and namespace
  enum class Why { ended, expired, unreachable, refused };

  // watch.cpp: what an event means
  static Seen gone_after(const Known&);
  Seen seen_of(const Value& object, bool gone) const;
  void judge(const Id&, Seen);
  void ask(const Id&, Known&, const Seen&);
  void answered(const Id&, const Seen& event, const HttpResponse&);
  bool as_known(Known&, const Value& object) const;
  std::vector<std::pair<Id, Known*>> known_of(const Line&);
  bool knows_any(const GroupKind&, const std::string& space) const;
  Line* line_of(const GroupKind&, const std::string& space) const;

  // watch_lines.cpp: where events come from
  void loop();
  void start_line(const Id&, const std::shared_ptr<const Policy>&);
  std::optional<protocol::Condition> end_line(const Id&);
  bool alive(const Line&) const;
  void ask_as_another(Line&);
  void open(const Lines&);
  void list(const Lines&, const std::string& next_page);
  void list_answered(const Lines&, const HttpResponse&);
  void listed(const Lines&, const std::string& body);
  void compare_all(const Lines&);
  void doubt_all(const Lines&);
  void follow(const Lines&);
  void follow_ended(const Lines&, const HttpResponse&);
  void take(const Lines&, std::string_view bytes);
  void read_line(const Lines&, std::string_view json);
  void opened(const Lines&);
  void again(const Lines&, Why, const Problem& = {});
  std::optional<protocol::Condition> closed(const Lines&, Why, const Problem&);
  void call_ended();
  std::optional<protocol::Condition> refused_again(Line&, const Problem&);
  protocol::Condition trouble_of(Line&);
  static protocol::Condition no_trouble(Line&);
  std::chrono::milliseconds wait_before(Line&, Why);

  Cluster& cluster_;
  const OwnedDigests& digests_;
  const HealthJudge& health_;
  const Changed changed_;
  const Troubled troubled_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Id, Known> known_;
  std::map<Id, Write> writes_;
  std::map<Place, Lines> lines_;
  std::vector<std::pair<Monotonic::time_point, Lines>> to_open_;
  int open_calls_ = 0;  ///< callbacks that may still come
  int lists_ = 0;       ///< under way
  bool stopping_ = false;
  std::minstd_rand random_;
  std::thread thread_;
};

}  // namespace gitopsd::kubernetes
