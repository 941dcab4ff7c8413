// A destination in memory: things with one value each, and a provider for it that a test can hold up, break
// and make lie.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/sync/provider.h"

namespace gitopsd::sync::test {

/// What is there, seen by every life of its provider.
class Place {
 public:
  struct Thing {
    std::string value, owner;
  };

  /// The value of a thing, or empty.
  std::string value(const std::string& id) const;
  std::set<std::string> ids() const;
  /// Whose mark it has: an application's uid.
  std::string owner(const std::string& id) const;
  /// How often it was made where nothing was.
  int births_of(const std::string& id) const;
  /// Somebody else changes a thing; its owner is told.
  void change(const std::string& id, const std::string& value);
  /// Somebody else changes a thing, and the watch does not see it.
  void change_unseen(const std::string& id, const std::string& value);

  /// From now on every plan wants this thing updated, whatever it is.
  void never_content(const std::string& id);
  /// From now on a look at this thing says drift, whatever it is.
  void always_drifted(const std::string& id, bool on = true);
  /// From now on a look at this thing says that it differs and waits for `on`; where that is empty, when it
  /// differs, that `by` changed it last.
  void wait_for(const std::string& id, const std::string& on, const std::string& by = {});
  /// Nothing waits any more. Nobody is told.
  void end_waits();
  /// What is there, and whether, cannot be told.
  void hide(const std::string& id, bool on = true);
  /// Somebody writes another application's mark on it; nobody is told.
  void mark(const std::string& id, const std::string& owner);
  /// Something of somebody else's is there.
  void occupy(const std::string& id);
  /// Its owner is told, where it is there.
  void set_health(const std::string& id, protocol::Health health);
  /// No plan with this thing in it is made.
  void refuse_plan(const std::string& id, ProblemCause cause = ProblemCause::input);
  /// A change of this thing fails.
  void refuse(const std::string& id, bool on = true, ProblemCause cause = ProblemCause::destination);
  /// A change of this thing fails for what passes by itself.
  void busy(const std::string& id, bool on = true);
  /// Calls end as if the provider had died, from now on.
  void break_off(bool on = true);
  /// Its provider cannot be started: looks fail, and what it offers cannot be told.
  void stop(bool on = true);
  /// How many looks failed for that.
  int failed_looks() const;
  /// Calls end so, too, and its provider says why.
  void go_away(const std::string& why);
  /// It can be reached again, which its provider tells.
  void come_back();
  /// It is that one from now on, which its provider tells; before, it tells none. Empty: it cannot be told.
  void become(const std::string& identity);
  /// Its provider says so.
  void say(const protocol::Condition&);
  /// What it offers to what is rendered for it, which its provider tells.
  void offer(const std::string& context);
  /// Applies wait until `open`.
  void shut();
  void open();
  /// Waits until that many applies wait; throws after ten seconds.
  void await_waiting(int count);
  /// The most applies that there were at one time.
  int most_at_once() const;
  /// How many applies, and steps of one thing, were carried out.
  int applies() const;
  int changes_of(const std::string& id) const;
  /// How often it was asked what documents mean.
  int resolves() const;
  /// Bytes of the largest of its calls, as they would travel.
  std::size_t largest_call() const;
  /// The longest that one of its plans may take, as it was told.
  std::chrono::milliseconds longest_plan() const;
  /// The least that the daemon would have waited beyond that.
  std::chrono::milliseconds least_patience() const;
  /// Its waves stand for what is required, and for nothing else.
  void be_independent();
  /// From now on each plan leaves something here, until it is thrown away.
  void leave_plans();
  std::set<std::string> left_plans() const;
  /// What was carried out, one after the other: "a", or "run pre a" of a hook.
  std::vector<std::string> order() const;

  std::unique_ptr<Provider> provider(const config::Destination&, Provider::Events);

 private:
  friend class PlaceProvider;
  void tell(const std::string& owner, const std::string& id);
  std::optional<protocol::Condition> another() const;
  void meet();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Thing> things_;
  std::set<std::string> never_content_, always_drifted_, hidden_, occupied_, begun_;
  std::map<std::string, std::pair<std::string, std::string>> waits_;  ///< for what, and who changed it
  std::map<std::string, ProblemCause> refused_;                       ///< a change of it
  std::map<std::string, ProblemCause> no_plan_;
  std::map<std::string, protocol::Health> health_;
  std::map<std::string, int> changes_, births_;
  std::vector<std::string> order_;
  bool leaves_plans_ = false, independent_ = false;
  int plans_ = 0;
  std::set<std::string> left_plans_;
  std::function<void(const protocol::Changed&)> listener_;
  std::function<void(const std::string&)> context_listener_;
  std::function<void()> condition_listener_;
  std::function<std::optional<protocol::Condition>(const std::string&)> judge_;
  std::optional<std::string> identity_;
  Conditions conditions_;
  std::string context_ = "context";
  bool shut_ = false, broken_ = false, stopped_ = false;
  int failed_looks_ = 0;
  std::atomic<int> resolves_{0};
  std::atomic<std::size_t> largest_call_{0};
  std::chrono::milliseconds longest_plan_{0}, least_patience_ = std::chrono::milliseconds::max();
  int waiting_ = 0, most_at_once_ = 0, applies_ = 0;
};

}  // namespace gitopsd::sync::test
