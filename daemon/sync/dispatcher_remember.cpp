// What syncs that did not succeed left behind: a person's word against a commit, and a commit that is applied
// in part. Both outlive a restart.
#include <algorithm>

#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

constexpr int kSyncsLookedAt = 50;

/// Takes in syncs, the newest first.
class Reader {
 public:
  void take(const store::Sync& sync) {
    if (sync.kind != to_string(Kind::commit)) {
      others_ = true;
      newest_ = false;
      return;
    }
    if (newest_) source_ = sync.source_key;
    others_ = others_ || sync.source_key != source_;
    const bool asked_again = !keys_.insert(sync.input_key).second;
    if (sync.state == store::SyncState::cancelled && !others_ && !asked_again && !sync.input_key.empty()) {
      memory_.rejections.push_back({sync.input_key, source_, rejected_text(sync.revision, sync.reason)});
      memory_.rejected = memory_.rejected || newest_;
    }
    if (sync.state == store::SyncState::failed && !memory_.in_part) take_part(sync);
    newest_ = false;
  }
  Memory memory() && { return std::move(memory_); }

 private:
  void take_part(const store::Sync& sync) {
    const auto part = decode_plan(sync.plan).in_part;
    if (!part) return;
    memory_.in_part = {sync.revision, sync.id, part->left_out};
    if (!newest_) return;
    memory_.error = sync.error;
    if (part->version != GITOPSD_VERSION) return;
    memory_.tried = part->tried;
    memory_.may_pass = part->may_pass;
  }

  Memory memory_;
  bool newest_ = true;
  bool others_ = false;         ///< something else was wanted since
  std::string source_;          ///< of the newest
  std::set<std::string> keys_;  ///< of what came after
};

}  // namespace

/// Without the mutex. Of applications that are not known here yet.
DispatcherImpl::Memories DispatcherImpl::memories(const std::vector<store::ApplicationState>& known) const {
  Memories found;
  for (const auto& state : known) {
    if (state.last_sync == state.last_succeeded || app_of(state.uid)) continue;
    Reader reader;
    for (const auto& sync : env_.store->syncs_since(state.uid, state.last_succeeded, kSyncsLookedAt))
      reader.take(sync);
    found.emplace(state.uid, std::move(reader).memory());
  }
  return found;
}

/// With the mutex.
void DispatcherImpl::remember(ApplicationLine& app, const Memory& memory) {
  app.rejections = memory.rejections;
  if (memory.rejected) app.rejected = memory.rejections.front();
  app.in_part = memory.in_part;
  app.last_tried_key = memory.tried;
  app.error = memory.error;
  app.passes_in_part = memory.may_pass;
}

/// With the mutex. Then that is what it stays away from, whatever was tried meanwhile.
bool DispatcherImpl::is_rejected(const App& app, const std::string& input_key) {
  if (app->rejected && app->rejected->input_key == input_key) return true;
  const auto found = std::find_if(app->rejections.begin(), app->rejections.end(),
                                  [&](const auto& one) { return one.input_key == input_key; });
  if (found == app->rejections.end()) return false;
  app->rejected = *found;
  app->again.reset();
  return true;
}

/// With the mutex. Another state of the repository, or just this one, which somebody asks for again.
void DispatcherImpl::forget_rejections(const App& app, const Job& begun) {
  app->rejected.reset();
  std::erase_if(app->rejections, [&](const auto& one) {
    const bool same_source =
        begun.kind == Kind::commit && (begun.source_key.empty() || one.source_key == begun.source_key);
    return !same_source || one.input_key == begun.input_key;
  });
}

/// Without the mutex. Whether the job's very input was tried last, before the start, and is applied in part.
/// Where what is left out may have come right meanwhile, it is tried again soon.
bool DispatcherImpl::is_in_part(const App& app, const Job& of, const std::string& render_context_digest) {
  const std::lock_guard lock(mutex_);
  if (!app->in_part || app->last_tried_key != tried_key(of.input_key, render_context_digest)) return false;
  if (!app->engaged() && std::exchange(app->passes_in_part, false)) try_again(app, of, false);
  return true;
}

}  // namespace gitopsd::sync
