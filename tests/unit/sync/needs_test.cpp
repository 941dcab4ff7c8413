// Files and folders of the repository that documents need.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

std::string remove_and_apply(World& world, const std::string& path) {
  world.ended(world.deliver(world.remove(path)));
  return world.place.value("a");
}

}  // namespace

TEST_CASE("a folder that a document needs stands for every file below it") {
  for (const std::string& folder : {std::string("web/data"), std::string("shared")}) {
    CAPTURE(folder);
    World world;
    world.add("web");
    world.start();
    const std::string name = folder == "shared" ? "/shared" : "data/";
    const std::string shown = folder == "shared" ? "/shared" : "data";
    world.apply(
        {{"web/a.yaml", thing("a", "1", "file: " + name)}, {folder + "/x", "x"}, {folder + "/y", "y"}});
    const std::string first = world.place.value("a");
    CHECK(first.find("+" + shown + "/x=") != std::string::npos);
    CHECK(first.find("+" + shown + "/y=") != std::string::npos);

    world.apply({{folder + "/y", "changed"}});
    const std::string second = world.place.value("a");
    CHECK(second != first);
    world.apply({{folder + "/deep/er/z", "z"}});
    const std::string third = world.place.value("a");
    CHECK(third.find("+" + shown + "/deep/er/z=") != std::string::npos);
    CHECK(remove_and_apply(world, folder + "/deep/er/z") == second);
    CHECK(world.place.changes_of("a") == 4);

    world.restart();  // what is needed is known from the store
    world.await("web", SyncStatus::synced);
    world.apply({{folder + "/y", "y"}});
    CHECK(world.place.value("a") == first);
    world.apply({{folder + "er/y", "a neighbour"}});
    CHECK(world.place.changes_of("a") == 5);
  }
}

TEST_CASE("a folder that is not only of files is refused with its place") {
  World world;
  world.add("web");
  world.start();
  world.origin.git(
      {"fast-import", "--quiet"},
      "commit refs/heads/main\ncommitter Ada Example <ada@example.com> 1700000000 +0000\ndata 0\n"
      "M 120000 inline web/data/link\ndata 1\nx\n");
  const auto event = world.ended(world.push({{"web/a.yaml", thing("a", "1", "file: data")}}));
  CHECK(event.state == store::EventState::failed);
  CHECK(event.error.find("\"web/data/link\" is a symbolic link") != std::string::npos);
  CHECK(event.error.find("web/a.yaml:6:") != std::string::npos);  // where it is named
}

TEST_CASE("folders of thousands of files go in calls that fit into frames, and larger ones are refused") {
  World world;
  world.add("web");
  world.start();
  const auto name = [](int number) {
    return "a-name-that-is-long-enough-to-make-three-documents-larger-than-a-frame-" + std::to_string(number);
  };
  std::string files;
  for (int number = 0; number < 9'000; ++number)
    files += "M 100644 inline web/data/" + name(number) + "\ndata 1\nx\n";
  world.origin.git(
      {"fast-import", "--quiet"},
      "commit refs/heads/main\ncommitter Ada Example <ada@example.com> 1700000000 +0000\ndata 0\n" + files);
  world.apply({{"web/a.yaml", thing("a", "1", "file: data")},
               {"web/b.yaml", thing("b", "2", "file: data")},
               {"web/c.yaml", thing("c", "3", "file: data")}});
  CHECK(world.place.value("c").find("data/" + name(8'999) + "=") != std::string::npos);
  CHECK(world.place.largest_call() > 1'000'000);
  CHECK(world.place.largest_call() < 4u << 20);

  std::string more;
  for (int number = 0; number < 2'000; ++number)
    more += "M 100644 inline web/data/more/" + std::to_string(number) + "\ndata 1\nx\n";
  world.origin.git(
      {"fast-import", "--quiet"},
      "commit refs/heads/main\ncommitter Ada Example <ada@example.com> 1700000001 +0000\ndata 0\n"
      "from refs/heads/main^0\n" +
          more);
  const auto event = world.ended(world.push({{"web/d.yaml", thing("d", "4")}}));
  CHECK(event.state == store::EventState::failed);
  CHECK(event.error.find("more than 10000 files and folders") != std::string::npos);
  CHECK(event.error.find("web/data") != std::string::npos);
}

TEST_CASE("a rollback to what needs other files leaves nothing of the newer commit's needs behind") {
  World world;
  world.add("web");
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1", "file: left")}, {"web/left", "x"}});
  const std::string value = world.place.value("a");
  world.apply({{"web/a.yaml", thing("a", "2", "file: right")}, {"web/right", "y"}});
  world.ended(world.dispatcher->rollback(ApplicationName("web"), first, "ada"));
  CHECK(world.place.value("a") == value);
  // The folder as it was, so that nothing of it has to be read again; then only the file changes.
  world.commit({{"web/a.yaml", thing("a", "1", "file: left")}});
  world.ended(world.deliver(world.remove("web/right")));
  world.apply({{"web/left", "changed"}});
  CHECK(world.place.value("a") != value);
}

}  // namespace gitopsd::sync::test
