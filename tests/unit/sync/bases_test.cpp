// The credentials of repositories that an application may build on are read when something is fetched.
#include "daemon/sync/bases.h"

#include <filesystem>
#include <fstream>

#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

/// A repository whose token is not there yet.
struct Platform {
  source::test::Folder folder;
  source::test::Origin origin{folder / "platform.git"};
  std::string token = folder / "token";
  config::Repository config() const {
    config::Repository repository;
    repository.name = RepositoryName("platform");
    repository.url = origin.url();
    repository.poll = std::chrono::milliseconds(0);
    repository.token = config::SecretRef{{}, token, {}};
    return repository;
  }
};

}  // namespace

TEST_CASE("an application is synced without the credentials of a base that nothing is fetched from") {
  Platform platform;
  World world;
  world.config.repositories.push_back(platform.config());
  world.add("web").bases = {RepositoryName("platform")};
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("credentials of a base are read for what is fetched, and for nothing that is here") {
  Platform platform;
  const auto commit = platform.origin.commit({{"deploy/a.yaml", thing("a", "1")}});
  platform.origin.git({"tag", "v1", commit.str()});
  RepositoryBases bases({{platform.config(), source::open_mirror(platform.folder / "mirror.git")}},
                        std::make_shared<BaseTags>());
  render::RemoteReference by_commit, by_tag;
  by_commit.url = by_tag.url = platform.origin.url();
  by_commit.ref = commit.str();
  by_tag.ref = "v1";
  for (const auto& reference : {by_commit, by_tag})
    CHECK_THROWS_WITH_AS(bases.find(reference), doctest::Contains(platform.token.c_str()), Failure);
  std::ofstream(platform.token) << "word\n";
  for (const auto& reference : {by_tag, by_commit}) CHECK(bases.find(reference)->commit() == commit);
  std::filesystem::remove(platform.token);
  for (const auto& reference : {by_tag, by_commit}) CHECK(bases.find(reference)->commit() == commit);
}

}  // namespace gitopsd::sync::test
