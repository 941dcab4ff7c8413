#include "daemon/source/library.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kWindowBytes = 4u << 20;
constexpr std::size_t kMappedBytes = 128u << 20;
constexpr ssize_t kCacheBytes = 16 << 20;
/// The indexer makes room for as many objects as a pack's header claims, before it has seen one.
constexpr std::size_t kPackObjects = 20'000'000;

}  // namespace

void start_library() {
  static const bool started = [] {
    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, kWindowBytes);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, kMappedBytes);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, kCacheBytes);
    git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, kPackObjects);
    // The mirror is made by us, in our own state directory; nobody's ~/.gitconfig has a say in it.
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_XDG,
                            GIT_CONFIG_LEVEL_PROGRAMDATA})
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    return true;
  }();
  (void)started;
}

Failure git_failure(ProblemCause cause, std::string_view thing, std::string_view what) {
  const git_error* const error = git_error_last();
  std::string text = std::string(thing) + ": " + std::string(what);
  if (error != nullptr && error->message != nullptr) text += std::string(": ") + error->message;
  git_error_clear();
  return fail(cause, std::move(text));
}

git_oid to_oid(const CommitId& id) {
  git_oid oid{};
  git_oid_fromstr(&oid, id.str().c_str());
  return oid;
}

CommitId to_id(const git_oid& oid) {
  char hex[GIT_OID_HEXSZ + 1];
  git_oid_tostr(hex, sizeof hex, &oid);
  return CommitId::parse(hex).value();
}

}  // namespace gitopsd::source
