#include "tests/unit/store/fixture.h"

#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>

namespace gitopsd::store::test {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "store-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

CommitId commit(char digit) {
  return *CommitId::parse(std::string(40, digit));
}

NewEvent push(const std::string& ref) {
  NewEvent e;
  e.repository = RepositoryName("site");
  e.ref = *Ref::parse(ref);
  e.before = commit('a');
  e.after = commit('b');
  e.body_signed = true;
  e.actor = "ada";
  e.received = 1'700'000'000'000'000;
  return e;
}

Delivery delivery(const std::string& id, std::vector<NewEvent> events) {
  Delivery d;
  d.hook = HookName("github");
  d.id = DeliveryId(id);
  d.received = 1'700'000'000'000'000;
  d.digest.fill(7);
  d.headers = R"({"x-github-event":"push"})";
  d.events = std::move(events);
  return d;
}

Accepted accept(Store& store, Delivery delivery) {
  std::promise<Accepted> promise;
  store.accept(std::move(delivery), [&](Accepted accepted, std::exception_ptr error) {
    if (error) {
      promise.set_exception(error);
    } else {
      promise.set_value(std::move(accepted));
    }
  });
  return promise.get_future().get();
}

std::string failure_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "(no failure)";
}

void tamper(const std::string& directory, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((directory + "/gitopsd.db").c_str(), &database) == SQLITE_OK);
  char* error = nullptr;
  const int code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error);
  INFO(std::string(error ? error : ""));
  CHECK(code == SQLITE_OK);
  sqlite3_free(error);
  sqlite3_close(database);
}

}  // namespace gitopsd::store::test
