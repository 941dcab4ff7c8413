// Tags: each application follows its own pattern, whatever the others of the repository follow.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using store::EventState;

/// Tags a commit in which every application has the tag's name as its value.
store::Event tag(World& world, const std::string& name) {
  std::map<std::string, std::string> files;
  for (const auto& app : world.config.applications) {
    files[app.path + "/a.yaml"] = thing(app.path, name + " " + std::to_string(world.place.applies()));
  }
  return world.ended(world.push(files, "refs/tags/" + name));
}

std::string version(const World& world, const std::string& app) {
  const std::string value = world.place.value(app);
  return value.substr(0, value.find(' '));
}

}  // namespace

TEST_CASE("tag patterns of one repository do not hinder each other") {
  World world;
  world.add("all", "refs/tags/v*");
  world.add("exact", "refs/tags/v1.0.0");
  world.add("one", "refs/tags/v1.*");
  world.start();
  CHECK(tag(world, "v1.0.0").state == EventState::succeeded);
  CHECK(tag(world, "v2.0.0").state == EventState::succeeded);
  CHECK(version(world, "all") == "v2.0.0");
  CHECK(version(world, "one") == "v1.0.0");

  // The one that means the newest of all must not keep the other from its own newest.
  CHECK(tag(world, "v1.10.0").state == EventState::succeeded);
  CHECK(version(world, "all") == "v2.0.0");
  CHECK(version(world, "one") == "v1.10.0");

  // What moves the exact tag moves nobody down to it.
  const std::string before = world.place.value("exact");
  CHECK(tag(world, "v1.0.0").state == EventState::succeeded);
  CHECK(world.place.value("exact") != before);
  CHECK(version(world, "all") == "v2.0.0");
  CHECK(version(world, "one") == "v1.10.0");

  const auto lower = tag(world, "v1.9.0");
  CHECK(lower.state == EventState::superseded);
  CHECK(lower.reason.find("is a higher version") != std::string::npos);
  CHECK(version(world, "one") == "v1.10.0");
}

TEST_CASE("a tag that is no version is nothing that a pattern means") {
  World world;
  world.add("all", "refs/tags/v*");
  world.start();
  CHECK(tag(world, "vnext").state == EventState::superseded);
  CHECK(world.place.ids().empty());
}

TEST_CASE("a sync by hand takes the highest version, not the last name") {
  World world;
  world.add("all", "refs/tags/v*");
  world.start();
  CHECK(tag(world, "v1.10.0").state == EventState::succeeded);
  CHECK(tag(world, "v1.9.0").state == EventState::superseded);
  const auto event = world.ended(world.dispatcher->sync_now(ApplicationName("all"), "ada"));
  CHECK(event.ref.str() == "refs/tags/v1.10.0");
  CHECK(event.state == EventState::succeeded);
  CHECK(world.dispatcher->plan(ApplicationName("all"), std::nullopt).revision ==
        world.origin.tip("refs/tags/v1.10.0"));
}

}  // namespace gitopsd::sync::test
