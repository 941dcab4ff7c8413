#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/log.h"
#include "daemon/render/place.h"
#include "daemon/sync/guard.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/look.h"
#include "daemon/sync/run.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
/// Some plan by asking others to: a change set of a large stack takes minutes.
constexpr auto kPlanTimeout = 600s;
/// What the provider knows of it: in the rest it throws away what came to nothing.
constexpr std::chrono::milliseconds kPlanTakes = 570s;
/// For all that plans left: others wait meanwhile.
constexpr auto kDiscardTimeout = 20s;

/// A provider's plan is checked before anything of it is believed.
void check_steps(const protocol::PlanResult& result, const protocol::PlanRequest& request,
                 const DestinationName& destination) {
  std::set<std::string> keys;
  std::set<ResourceId> upsert;
  for (const auto& resource : request.upsert) upsert.insert(resource.id);
  const std::set<ResourceId> remove(request.remove.begin(), request.remove.end());
  for (const auto& step : result.steps) {
    const bool deletes = step.action == protocol::Action::remove;
    const bool asked =
        deletes ? remove.contains(step.id) : upsert.contains(step.id) || remove.contains(step.id);
    if (!asked || step.action == protocol::Action::release || step.key.empty() ||
        !keys.insert(step.key).second) {
      throw fail(ProblemCause::destination, "provider of " + destination.str() +
                                                " planned a step that nobody asked for: " +
                                                std::string(to_string(step.action)) + " " + step.id.str());
    }
  }
}

/// A plan that leaves out what the one before refused may be refused for what depends on that.
constexpr int kMostPlans = 20;

}  // namespace

void Run::prepare() {
  take_up_hooks();
  switch (job_.kind) {
    case Kind::commit: {
      const auto snapshot = scope_.snapshot(job_.revision);
      after_.source_key = source_key(scope_.application.path, *snapshot, decode_outside(before_.outside));
      const auto digest = scope_.provider->render_context_digest();
      context_ = context_of(digest, *snapshot, scope_.application);
      offered_ = digest;
      // Only the source half may differ for the incremental way: other settings mean other documents
      // everywhere.
      const bool same_settings = before_.last_succeeded &&
                                 is_input_key(before_.input_key, before_.source_key,
                                              settings_key(scope_.application, scope_.destination), digest);
      work_ = prepare_commit(scope_, snapshot, before_, !same_settings, job_.force, owes_hooks(), *needs_);
      // A path without a kustomization may have one below it, and that one charts.
      if (std::any_of(work_.reads.begin(), work_.reads.end(),
                      [](const auto& p) { return p.starts_with('/'); }))
        context_ = digest;
      break;
    }
    case Kind::rollback: {
      const auto target = scope_.store.sync(job_.rollback_to);
      if (!target) throw fail(ProblemCause::input, "the sync to roll back to is no longer kept");
      work_ = prepare_rollback(scope_, *target, owes_hooks());
      after_.source_key = target->source_key;
      after_.input_key = target->input_key;
      break;
    }
    case Kind::heal:
      work_ = prepare_heal(scope_, job_.drifted);
      break;
    case Kind::remove:
      work_ = prepare_delete(scope_);
      break;
  }
  keep_hooks_of_same();
  choose_releases();
  timings_.rendered = scope_.clock.wall();
  progress_("rendered", std::to_string(work_.upsert.size()) + " changed, " +
                            std::to_string(work_.remove.size()) + " to delete");
}

/// Later waves, and success, wait for what the commit leaves as it is and what is not healthy all the same.
void Run::add_ailing() {
  if (job_.kind != Kind::commit && job_.kind != Kind::rollback) return;
  std::vector<ResourceId> ids;
  if (job_.ailing) {
    ids = *job_.ailing;
  } else {
    for (const auto& [id, why] : observe(scope_, nullptr, false).ailing) ids.push_back(id);
  }
  if (ids.empty()) return;
  std::set<ResourceId> handled(work_.remove.begin(), work_.remove.end());
  for (const auto& item : work_.upsert) handled.insert(item.resource.id);
  std::map<ResourceId, const Item*> read;
  for (const auto& item : work_.reread_items) read.emplace(item.resource.id, &item);
  for (auto& entry : scope_.store.inventory(scope_.application.uid, ids)) {
    if (handled.contains(entry.id)) continue;
    const auto it = read.find(entry.id);
    auto item = it == read.end() ? owned_item(scope_, entry) : std::optional(*it->second);
    if (!item) continue;
    for (const auto& b : item->blobs) work_.blobs->add(b);
    ailing_.insert(entry.id);
    work_.upsert.push_back(std::move(*item));
    work_.entries.insert_or_assign(entry.id, entry);
  }
  sort_by_requirements(work_.upsert);
}

bool Run::wants_word(const protocol::Step& step) const {
  const auto entry = work_.entries.find(step.id);
  return step.action == protocol::Action::remove && entry != work_.entries.end() &&
         asks(entry->second, protocol::Prune::confirm);
}

protocol::Entry Run::entry_of(const ResourceId& id) const {
  const auto it = work_.entries.find(id);
  return it == work_.entries.end() ? protocol::Entry{id, {}, {}} : wire_entry(it->second);
}

/// The next part of what is to be planned; `next` moves behind it. Deletions go with the last one, so that
/// the provider orders them.
protocol::PlanRequest Run::plan_request(std::size_t& next) const {
  protocol::PlanRequest request;
  request.sync = std::to_string(id_.value);
  request.owner = {scope_.installation, scope_.application.uid.str()};
  request.policy = scope_.application.policy;
  request.mode = work_.mode;
  request.deadline_ms = kPlanTakes.count();
  std::size_t bytes = 0;
  for (; next < work_.upsert.size() && request.upsert.size() < kBatchCount; ++next) {
    const auto& item = work_.upsert[next];
    const std::size_t more = wire_bytes(item.document) + 512;
    if (bytes > 0 && bytes + more > kBatchBytes) break;
    bytes += more;
    request.upsert.push_back(item.resource);
    request.documents.push_back(item.document);
    request.entries.push_back(entry_of(item.resource.id));
  }
  request.partial = request.upsert.size() < work_.upsert.size();
  if (next < work_.upsert.size()) return request;
  for (const auto& id : work_.remove) {
    request.remove.push_back(id);
    request.entries.push_back(entry_of(id));
  }
  return request;
}

/// `none` for a resource that is not yet owned with this digest still has to be recorded: it runs as a step.
bool Run::to_be_done(const protocol::Step& step) const {
  if (step.action != protocol::Action::none) return true;
  const auto entry = work_.entries.find(step.id);
  return entry == work_.entries.end() || entry->second.owned_digest != step.digest ||
         entry->second.intended_sync || !entry->second.from.empty();
}

/// Marks of applications of this installation that own the thing no more, since they let go of what is never
/// pruned, or were stopped between two who handed it on. Whether there are any: then they stand for this
/// one's own.
bool Run::take_up_marks(const protocol::PlanResult& result) {
  bool any = false;
  for (const auto& problem : result.problems) {
    const ResourceId id(problem.id);
    if (problem.owner.empty() || !items_.contains(id)) continue;
    auto& entry = work_.entries[id];
    const bool handed = !entry.from.empty();  // and its own mark is not known to be written
    if ((!entry.owned_digest.empty() && !handed) || entry.from.str() == problem.owner) continue;
    if (scope_.store.owner_of(scope_.destination.name, id, scope_.application.uid)) continue;
    entry.id = id;
    entry.from = ApplicationUid(problem.owner);
    any = true;
  }
  return any;
}

/// Where the documents say what the provider has against them.
std::vector<Refused> Run::refused_of(const protocol::PlanResult& result) {
  std::vector<Refused> refused;
  for (const auto& wire : result.problems) {
    within_ = std::max(within_, wire.retry_after_seconds);
    Refused one{ResourceId(wire.id), {wire.cause, wire.message, wire.hint, {}, {}}};
    const auto it = items_.find(one.id);
    if (it != items_.end()) {
      one.problem.file = render::place(job_.revision, it->second->path);
      one.problem.position = it->second->position(wire.pointer);
    }
    refused.push_back(std::move(one));
  }
  return refused;
}

/// Throws Failure where the whole is refused for it.
void Run::leave_out(const std::vector<Refused>& refused) {
  auto problems = problems_of(refused);
  const bool may = job_.kind == Kind::commit && scope_.application.invalid == config::InvalidPolicy::skip &&
                   std::all_of(refused.begin(), refused.end(),
                               [&](const Refused& one) {
                                 return items_.contains(one.id) || work_.entries.contains(one.id);
                               }) &&
                   may_be_left_out(problems);
  if (!may) throw Failure(std::move(problems));
  std::set<ResourceId> gone;
  const std::set<ResourceId> removed(work_.remove.begin(), work_.remove.end());
  for (const auto& one : refused)
    if (!removed.contains(one.id)) gone.insert(one.id);
  std::move(problems.begin(), problems.end(), std::back_inserter(work_.left_out));
  work_.left_out_count += sync::leave_out(gone, job_.revision, work_.upsert, work_.left_out);
  put_back_releases();
  work_.put_off.insert(work_.put_off.end(), work_.remove.begin(), work_.remove.end());
  work_.remove.clear();
}

/// Where something is left out nothing goes: neither does what stands in the place of something else.
std::vector<Refused> Run::replacements() const {
  std::vector<Refused> all;
  if (work_.left_out.empty()) return all;
  for (const auto& step : steps_) {
    const auto item = items_.find(step.id);
    if (step.action != protocol::Action::replace || item == items_.end()) continue;
    all.push_back({step.id,
                   {ProblemCause::input, step.id.str() + " would be replaced: " + step.reason,
                    "correct what else is left out", render::place(job_.revision, item->second->path),
                    item->second->position({})}});
  }
  return all;
}

void Run::make_plan() {
  for (int plans = 1;; ++plans) {
    auto refused = plan_once();
    if (refused.empty()) refused = replacements();
    if (refused.empty()) return;
    if (plans == kMostPlans) throw Failure(problems_of(refused));
    leave_out(refused);
  }
}

std::vector<Refused> Run::plan_once() {
  next_wave_ = 0;
  as_planned_ = 0;
  items_.clear();
  for (const auto& item : work_.upsert) items_.emplace(item.resource.id, &item);

  std::size_t next = 0;
  // Where nothing of the documents changed, too: the provider may know of something that is in the way.
  bool asked = job_.kind == Kind::heal && work_.remove.empty() && work_.upsert.empty();
  std::vector<Refused> refused;
  const std::set<ResourceId> removed(work_.remove.begin(), work_.remove.end());
  going_.clear();
  std::map<int, Wave> by_wave;  // of all parts: a wave waits for the health of one
  std::vector<protocol::Step> hooks;
  for (; !asked; asked = next == work_.upsert.size()) {
    const std::size_t begin = next;
    auto request = plan_request(next);
    auto result = scope_.provider->plan(request, work_.blobs.get(), Monotonic::now() + kPlanTimeout);
    if (take_up_marks(result)) {
      if (!result.discard.empty()) discards_.push_back(result.discard);
      request = plan_request(next = begin);
      result = scope_.provider->plan(request, work_.blobs.get(), Monotonic::now() + kPlanTimeout);
    }
    if (!result.discard.empty()) discards_.push_back(result.discard);
    for (auto& one : refused_of(result)) refused.push_back(std::move(one));
    check_steps(result, request, scope_.destination.name);
    for (const auto& step : result.steps) {
      if (step.action == protocol::Action::none && removed.contains(step.id)) {
        going_.emplace(step.id, step.reason);
        continue;
      }
      const bool ails = ailing_.contains(step.id);  // counted already
      if (step.action == protocol::Action::none && !ails) ++as_planned_;
      if (step.hook != protocol::Hook::none) {
        hooks.push_back(step);
        continue;
      }
      if (!to_be_done(step) && !ails) continue;
      Wave& wave = by_wave.try_emplace(step.wave, Wave{step.group, {}, {}}).first->second;
      if (wave.group != step.group) wave.group.clear();
      if (to_be_done(step))
        wave.steps.push_back(step);
      else
        wave.ailing.push_back(step.id);
    }
  }
  if (!refused.empty()) return refused;
  part_waves(std::move(by_wave), std::move(hooks));
  add_release_steps();
  timings_.planned = scope_.clock.wall();
  progress_("planned", steps_text(steps_.size()));
  return {};
}

/// What hooks leave is a change like every other, and no loss; nor is it there to be lost.
std::vector<protocol::Step> Run::counted(std::int64_t& owned) const {
  std::vector<protocol::Step> steps = steps_;
  bool removes = false;
  for (auto& step : steps) {
    if (step.action != protocol::Action::remove) continue;
    removes = true;
    const auto entry = work_.entries.find(step.id);
    if (entry != work_.entries.end() && is_hook(entry->second.resource)) step.action = protocol::Action::run;
  }
  if (removes)
    for (const auto& entry : scope_.store.inventory(scope_.application.uid)) owned -= is_hook(entry.resource);
  return steps;
}

/// What is still to be made in something that the last wave made.
std::set<ResourceId> Run::within_reach() const {
  std::set<ResourceId> made, found;
  if (next_wave_ == 0) return found;
  for (const auto& step : waves_[next_wave_ - 1].steps)
    if (step.action == protocol::Action::create) made.insert(step.id);
  if (made.empty()) return found;
  for (std::size_t wave = next_wave_; wave < waves_.size(); ++wave) {
    for (const auto& step : waves_[wave].steps) {
      if (step.provisional) continue;  // asked about all the same
      const auto item = items_.find(step.id);
      if (item == items_.end()) continue;
      const auto& needs = item->second->resource.requires_;
      if (std::any_of(needs.begin(), needs.end(), [&](const auto& id) { return made.contains(id); }))
        found.insert(step.id);
    }
  }
  return found;
}

/// What is to be made in something that did not exist when the plan was made (a namespace) could not be
/// checked then: the provider is asked about all of it before any of it is applied. False where some of it is
/// left out, and the plan another one.
bool Run::check_what_came_within_reach() {
  const auto asked = within_reach();
  std::vector<Refused> refused;
  for (std::size_t next = 0; !asked.empty() && next < work_.upsert.size();) {
    auto request = plan_request(next);
    request.partial = true;  // what is not asked about comes with a later wave, or is there
    request.remove.clear();
    std::erase_if(request.upsert, [&](const auto& resource) { return !asked.contains(resource.id); });
    if (request.upsert.empty()) continue;
    for (auto& one :
         refused_of(scope_.provider->plan(request, work_.blobs.get(), Monotonic::now() + kPlanTimeout)))
      refused.push_back(std::move(one));
  }
  if (refused.empty()) return true;
  leave_out(refused);
  return false;
}

void Run::decide_hold() {
  hold_ = why_held();
  if (hold_.empty() || work_.left_out.empty()) return;
  hold_ += "; it leaves out " + work_.left_out.front().str();
  if (work_.left_out.size() > 1) hold_ += ", and " + std::to_string(work_.left_out.size() - 1) + " more";
}

std::string Run::why_held() const {
  if (job_.kind == Kind::heal) return {};  // puts back what was approved when it was first applied
  std::int64_t owned = scope_.store.inventory_count(scope_.application.uid);
  auto why = hold_reason(scope_.application, counted(owned), owned, job_.kind == Kind::remove);
  if (!why.empty()) return why;
  const auto asked = std::find_if(steps_.begin(), steps_.end(), [&](const auto& s) { return wants_word(s); });
  if (asked != steps_.end() && job_.kind != Kind::remove) {
    return "deleting " + asked->id.str() + " has to be confirmed (prune: confirm)";
  }
  for (const auto& effect : scope_.store.open_effects(scope_.application.uid)) {
    const bool again =
        std::any_of(steps_.begin(), steps_.end(), [&](const auto& s) { return s.key == effect.key; });
    if (again && effect.rerun == "hold") {
      why = "step " + effect.key + " was started before and nobody knows whether it ended";
    }
  }
  return why;
}

void Run::preview() {
  prepare();
  try {
    make_plan();
    decide_hold();
  } catch (const Failure&) {
    discard_plan();
    throw;
  }
  discard_plan();
}

/// Nothing comes of it: what it left at the destination is not to stay there.
void Run::discard_plan() {
  const auto until = Monotonic::now() + kDiscardTimeout;
  for (const auto& token : std::exchange(discards_, {})) {
    try {
      scope_.provider->discard(token, until);
    } catch (const std::exception& e) {
      log::warning("cannot throw away what a plan left at its destination",
                   {{"destination", scope_.destination.name.str()}, {"error", e.what()}});
    }
  }
}

}  // namespace gitopsd::sync
