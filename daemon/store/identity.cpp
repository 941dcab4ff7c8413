#include "daemon/store/identity.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "base/hash.h"
#include "base/problem.h"

namespace gitopsd::store {
namespace {

constexpr std::size_t kKeySize = 32;

std::string meta(Connection& connection, std::string_view key) {
  Query q = connection.query("SELECT value FROM meta WHERE key = ?", key);
  return q.row() ? q.text(0) : std::string();
}

/// Tells keys apart without telling the key.
std::string check_value(std::string_view key) {
  return to_hex(hmac_sha256(key, "gitopsd store key check")).substr(0, 16);
}

Secret read_key(const std::string& path) {
  Secret key(read_file(path, kKeySize + 1));
  if (key.size() == kKeySize) return key;
  throw fail(ProblemCause::input, path + " is not a key of 32 bytes", "restore it from the backup");
}

/// A store that owns nothing may call itself by any name: nothing in the world has the one that it had.
void take_on(Connection& connection, const std::string& directory, std::string& installation,
             const std::string& wanted) {
  Query owned = connection.query("SELECT 1 FROM inventory LIMIT 1");
  if (owned.row()) {
    throw fail(ProblemCause::input,
               directory + " is the store of installation " + installation +
                   ", which owns resources, and store.installation names " + wanted,
               "only a store that owns nothing can take the place of one that was lost: move this one away "
               "if it is not wanted, or take the key out of the configuration");
  }
  connection.run("UPDATE meta SET value = ? WHERE key = ?", std::string_view(wanted),
                 std::string_view("installation"));
  installation = wanted;
}

}  // namespace

Fd lock_directory(const std::string& directory) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(directory, error);
  if (error) {
    throw fail(ProblemCause::permission,
               "cannot make the store's directory " + directory + ": " + error.message(),
               "create it and give it to the daemon's user");
  }
  if (made) ::chmod(directory.c_str(), 0700);
  const std::string path = directory + "/lock";
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) {
    throw fail(ProblemCause::permission, "cannot open " + path + ": " + errno_text(errno),
               "give the directory to the daemon's user");
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    throw fail(ProblemCause::conflict, "another gitopsd works on " + directory,
               "stop it first, or give this one a store.path of its own");
  }
  throw fail(ProblemCause::destination, "cannot lock " + path + ": " + errno_text(errno));
}

Identity load_identity(const std::string& directory, Connection& connection, const std::string& wanted) {
  const std::string path = directory + "/store.key";
  std::string installation = meta(connection, "installation");
  if (!installation.empty()) {
    if (!std::filesystem::exists(path)) {
      throw fail(ProblemCause::input, path + " is missing; digests and sealed documents need it",
                 "restore it from the backup that the database belongs to");
    }
    Secret key = read_key(path);
    if (meta(connection, "key_check") != check_value(key.reveal())) {
      throw fail(ProblemCause::input, path + " is not the key that this database was used with",
                 "restore both from the same backup");
    }
    if (!wanted.empty() && wanted != installation) take_on(connection, directory, installation, wanted);
    return {std::move(installation), std::move(key)};
  }
  // A key that is already there belongs to a first start that was cut off before the database knew it.
  if (!std::filesystem::exists(path)) write_file_atomically(path, random_bytes(kKeySize), 0600);
  Secret key = read_key(path);
  installation = wanted.empty() ? random_uuid() : wanted;
  const std::string check = check_value(key.reveal());
  connection.execute("BEGIN IMMEDIATE");
  constexpr char kInsert[] = "INSERT INTO meta(key, value) VALUES(?, ?)";
  connection.run(kInsert, std::string_view("installation"), std::string_view(installation));
  connection.run(kInsert, std::string_view("key_check"), std::string_view(check));
  connection.execute("COMMIT");
  return {std::move(installation), std::move(key)};
}

}  // namespace gitopsd::store
