#include "base/problem.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {

std::optional<CommitId> SqliteStore::tip(const RepositoryName& repository, const Ref& ref) const {
  return read([&](Connection& db) -> std::optional<CommitId> {
    Query q = db.query(
        "SELECT t.tip FROM names n JOIN tips t ON t.repository = n.id WHERE n.name = ? AND t.ref = ?",
        std::string_view(repository.str()), std::string_view(ref.str()));
    if (!q.row()) return std::nullopt;
    return CommitId::parse(q.bytes(0));
  });
}

void SqliteStore::set_tip(const RepositoryName& repository, const Ref& ref, const CommitId& tip) {
  writer_.run([&](Transaction& t) {
    t.db().run(
        "INSERT INTO tips(repository, ref, tip) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(repository, ref) DO UPDATE SET tip = ?3",
        t.name_id(repository.str()), std::string_view(ref.str()), std::string_view(tip.str()));
  });
}

}  // namespace gitopsd::store
