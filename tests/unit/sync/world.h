// A dispatcher over a real store and a real Git repository, and a destination in memory.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "daemon/sync/dispatcher.h"
#include "tests/unit/source/fixture.h"
#include "tests/unit/sync/place.h"

namespace gitopsd::sync::test {

using source::test::eventually;

/// A manifest of one thing; `more` are further lines of its spec: "file: x".
std::string thing(const std::string& name, const std::string& value, const std::string& more = {});

class World {
 public:
  World();
  ~World();

  source::test::Folder folder;
  source::test::Origin origin{folder / "origin.git"};
  Place place;
  Place* elsewhere = nullptr;  ///< what the destination "there" is, where there is one
  /// The configuration of the next start or reload: repository `site`, destination `here`, no applications.
  config::Config config;
  std::chrono::milliseconds missing_delay{300};  ///< of the next start
  bool answers = true;                           ///< the repository's server does
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Dispatcher> dispatcher;

  /// An application of that name and uid at the folder of that name.
  config::Application& add(const std::string& name, const std::string& ref = "refs/heads/main");
  /// Starts, or brings the configuration into force, and waits until the repositories were looked at for it,
  /// so that what is pushed afterwards is news of that push and not of the look.
  void start();
  void reload();
  /// Stops the dispatcher as a restart does, and starts another over the same store.
  void restart();

  CommitId commit(const std::map<std::string, std::string>& files,
                  const std::string& ref = "refs/heads/main");
  /// Commits the removal of one file to main.
  CommitId remove(const std::string& path);
  /// Commits to main that files have other paths.
  CommitId move(const std::map<std::string, std::string>& paths);
  /// Stores the event of a signed delivery and tells the dispatcher.
  EventId deliver(const CommitId&, const std::string& ref = "refs/heads/main");
  EventId push(const std::map<std::string, std::string>& files, const std::string& ref = "refs/heads/main");
  /// Waits for the end of an event; fails the test where it does not come.
  store::Event ended(EventId);
  /// push() that has to succeed; returns its commit.
  CommitId apply(const std::map<std::string, std::string>& files, const std::string& ref = "refs/heads/main");
  /// Starts with the application "web" and these files applied; from now on its every change waits for
  /// approval.
  void apply_then_ask(const std::map<std::string, std::string>& files);
  ApplicationStatus status(const std::string& name) const;
  /// Waits until an application's status is so; fails the test where that does not come.
  ApplicationStatus await(const std::string& name, SyncStatus);
  ApplicationStatus await(const std::string& name, Phase);
  /// Waits until another sync than `before` waits for approval: whoever gives a word sees the old one wait
  /// for a while yet.
  ApplicationStatus await_held_again(const std::string& name, SyncId before);

 private:
  /// Until each repository that an application follows was looked at once more.
  void await_looks(const std::vector<RepositoryStatus>& before);
};

}  // namespace gitopsd::sync::test
