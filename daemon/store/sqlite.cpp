#include <fcntl.h>

#include "base/problem.h"
#include "daemon/store/schema.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

Failure cannot_open(const std::string& path, const SqlError& error) {
  const std::string message = "cannot open " + path + ": " + error.what();
  if (error.no_room()) return fail(ProblemCause::transient, message, "free space on that file system");
  if (error.damaged()) return fail(ProblemCause::input, message, restore_hint(path));
  return fail(ProblemCause::permission, message, "give the directory and its files to the daemon's user");
}

std::unique_ptr<Connection> open_writer(const std::string& path, const std::string& vfs) {
  auto connection = std::make_unique<Connection>(path, Connection::Mode::create, vfs);
  // FULL: a commit returns only when the WAL is on the disk. Checkpoints are the checkpointer's.
  connection->execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
      "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY");
  return connection;
}

}  // namespace

SqliteStore::SqliteStore(Fd lock, std::string path, const Options& options, Identity identity,
                         std::unique_ptr<Connection> writer, const Clock& clock)
    : lock_(std::move(lock)),
      path_(std::move(path)),
      identity_(std::move(identity)),
      writer_(std::move(writer), path_, options, clock),
      readers_(path_, options.vfs) {}

Failure SqliteStore::unreadable(const SqlError& error) const {
  return fail(ProblemCause::destination, "cannot read " + path_ + ": " + error.what(),
              "check the disk; `gitopsctl status` tells whether the database is sound");
}

void SqliteStore::accept(Delivery delivery, AcceptCallback done) {
  std::vector<Delivery> one;
  one.push_back(std::move(delivery));
  writer_.accept(std::move(one), [done = std::move(done)](std::vector<Answer> answers) {
    done(std::move(answers.front().accepted), std::move(answers.front().error));
  });
}

void SqliteStore::accept_all(std::vector<Delivery> deliveries, AcceptAllCallback done) {
  writer_.accept(std::move(deliveries), std::move(done));
}

EventId SqliteStore::add_event(const NewEvent& event) {
  EventId id;
  writer_.run([&](Transaction& t) { id = insert_event(t, event); });
  return id;
}

std::unique_ptr<Store> open_sqlite(const std::string& directory, const Clock& clock,
                                   const std::string& installation) {
  Options options;
  options.installation = installation;
  return open_sqlite(directory, clock, options);
}

std::unique_ptr<Store> open_sqlite(const std::string& directory, const Clock& clock, const Options& options) {
  Fd lock = lock_directory(directory);
  const std::string path = directory + "/gitopsd.db";
  const bool real_file = options.vfs.empty();
  if (real_file) check_header(path);
  try {
    // SQLite gives -wal and -shm the mode of the database.
    if (real_file) Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    auto connection = open_writer(path, options.vfs);
    migrate(*connection, path);
    Identity identity = load_identity(directory, *connection, options.installation);
    return std::make_unique<SqliteStore>(std::move(lock), path, options, std::move(identity),
                                         std::move(connection), clock);
  } catch (const SqlError& error) {
    throw cannot_open(path, error);
  }
}

}  // namespace gitopsd::store
