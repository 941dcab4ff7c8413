// Looks at every object concerned, asks the server what an apply would make of it, and says so in steps.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/asking.h"
#include "providers/kubernetes/complaints.h"
#include "providers/kubernetes/definitions.h"
#include "providers/kubernetes/fields_diff.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/in_place_of.h"
#include "providers/kubernetes/object_fields.h"
#include "providers/kubernetes/object_planner.h"
#include "providers/kubernetes/order.h"
#include "providers/kubernetes/propagation.h"
#include "providers/kubernetes/resize.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::Action;
using protocol::Destroys;
using protocol::Step;
using protocol::WireProblem;

constexpr std::size_t kNameBeforeProbe = 40;
constexpr std::array<std::string_view, 7> kImmutable{"immutable",
                                                     "may not change once set",
                                                     "cannot change roleRef",
                                                     "updates to statefulset spec",
                                                     "updates to parameters are forbidden",
                                                     "pod updates may not change fields",
                                                     "may not be changed"};
constexpr const char* kReplace =
    "it cannot be changed in place; the annotation gitopsd.io/apply: replace lets it be deleted and made "
    "anew";
constexpr const char* kReplaceLosesData =
    "it cannot be changed in place: declare what it was before; the annotation gitopsd.io/apply: replace "
    "lets "
    "it be deleted and made anew, without what it holds";

/// But for what is left to others.
bool same_ownership(const LeftToOthers& left, const Value& live, const Value& applied) {
  const Value now = left.rest_of_ours(live);
  return !now.is_null() && now == left.rest_of_ours(applied);
}

/// By the server's words, which have no uniform mark.
bool says_immutable(const Value& status) {
  const std::string message = status.get_string("message");
  return std::any_of(kImmutable.begin(), kImmutable.end(),
                     [&](std::string_view words) { return message.find(words) != message.npos; });
}

/// Readable, and only those that an object, as it would be, does not have by our hand.
std::string paths_only_there(const std::vector<FieldPath>& paths, const Value& then) {
  const Value* ours = then.is_null() ? nullptr : our_fields(then);
  std::string out;
  for (const auto& path : paths) {
    if (node_at(ours, path, path.size()) || path.back() == "." ||
        std::find(path.begin(), path.end(), "f:kubectl.kubernetes.io/last-applied-configuration") !=
            path.end())
      continue;
    if (!out.empty()) out += ", ";
    for (const auto& token : path) out += (&token == &path.front() ? "" : ".") + token.substr(2);
  }
  return out;
}

/// What is to be granted for many objects is told once, with the first of them.
void tell_grants_once(std::vector<WireProblem>& problems) {
  std::map<std::string, std::set<std::string>> refused;
  for (const auto& problem : problems)
    if (problem.code == "forbidden" && !problem.hint.empty()) refused[problem.hint].insert(problem.id);
  std::set<std::string> told;
  std::erase_if(problems, [&](WireProblem& problem) {
    const auto grant = problem.code == "forbidden" ? refused.find(problem.hint) : refused.end();
    if (grant == refused.end()) return false;
    if (!told.insert(problem.hint).second) return true;
    const auto others = grant->second.size() - 1;
    if (others > 0) problem.message += ", the same with " + std::to_string(others) + " more of this kind";
    return false;
  });
}

}  // namespace

Value without_marks(const Value& object) {
  Value out = object;
  if (Value* metadata = out.find("metadata") ? &out.as_object().at("metadata") : nullptr) {
    for (const auto& [map, key] : {std::pair{"annotations", kTracking}, std::pair{"labels", kInstallation}}) {
      if (!metadata->find(map) || !metadata->find(map)->is_object()) continue;
      auto& members = metadata->as_object().at(map).as_object();
      members.erase(key);
      if (members.empty()) metadata->as_object().erase(map);
    }
  }
  return out;
}

std::string adoption(const Manifest& manifest) {
  const bool stays = manifest.options.prune == protocol::Prune::never;
  return std::string("it becomes ours, and ") + (stays ? "stays" : "is deleted") +
         " when it is no longer declared";
}

protocol::PlanResult ObjectPlanner::run() {
  policy_ = Policy::parse(request_.policy, result_.problems);
  for (const auto& entry : request_.entries) entries_.emplace(entry.id, &entry);
  defined_ = kinds_defined_by(request_.documents);
  kinds_ = kinds_for(state_.cluster, request_.documents);
  if (request_.partial) add_kinds_of_ids(request_, *kinds_, defined_);
  read_upserts();
  if (!result_.problems.empty()) return std::move(result_);
  look_at_upserts();
  look_at_hooks();
  look_at_removals();
  if (!result_.problems.empty()) {
    tell_grants_once(result_.problems);
    result_.steps.clear();
    return std::move(result_);
  }
  std::sort(result_.steps.begin(), result_.steps.end(), [](const Step& a, const Step& b) {
    return std::pair(a.wave, std::string_view(a.key)) < std::pair(b.wave, std::string_view(b.key));
  });
  return std::move(result_);
}

void ObjectPlanner::read_upserts() {
  std::map<std::string_view, const protocol::Document*> documents;
  for (const auto& document : request_.documents) documents.emplace(document.digest, &document);
  for (const auto& resource : request_.upsert) {
    const auto document = documents.find(resource.document);
    if (document == documents.end())
      throw fail(ProblemCause::input, "the document of '" + resource.id.str() + "' was not sent");
    auto manifest = read_manifest(*document->second, Value(), policy_, *kinds_, defined_, result_.problems);
    if (!manifest) continue;
    if (manifest->id.resource() != resource.id)
      throw fail(ProblemCause::input, "'" + resource.id.str() + "' is not what its document declares");
    manifest->options = resource.options;
    const Id id = manifest->id;
    wanted_.insert_or_assign(id, std::move(*manifest));
  }
}

/// Those whose document is what was applied, and which are as that left them: by the watch, or else by lists.
std::set<Id> ObjectPlanner::as_applied() const {
  std::set<Id> same;
  std::vector<Live::Wanted> doubtful;
  for (const auto& [id, manifest] : wanted_) {
    const auto* entry = entry_of(id);
    if (manifest.hook.any() || !entry || !entry->owned || entry->intended || !entry->from.empty() ||
        entry->owned->digest != manifest.document)
      continue;
    const auto receipt = Receipt::parse(entry->owned->receipt);
    if (!receipt || receipt->ignored != policy_.ignored(id).key()) continue;
    if (state_.watch.view(id, *receipt) == Watch::View::same)
      same.insert(id);
    else
      doubtful.push_back({id, receipt});
  }
  const auto live = state_.live.look(doubtful, policy_, state_.memory());
  for (std::size_t i = 0; i < doubtful.size(); ++i)
    if (live[i].is_as(*doubtful[i].receipt)) same.insert(doubtful[i].id);
  return same;
}

/// Two questions an object, all at once: how it is, and how it would be. Where fields are left to others, the
/// second takes an answer to the first.
void ObjectPlanner::look_at_upserts() {
  const auto same = as_applied();
  std::vector<Asking> asked;
  for (const auto& [id, manifest] : wanted_) {
    if (manifest.hook.any()) continue;
    if (same.contains(id)) {
      result_.steps.push_back(step_for(id, Action::none, "it is as declared", wave_of(manifest)));
      continue;
    }
    if (!manifest.known) {
      absent(manifest, {});
      continue;
    }
    asked.push_back({&manifest, {}, {}});
  }
  const auto names = spaces_of_hooks_and(asked);
  Gathering spaces(state_.cluster.http(), space_requests(names, policy_));
  ask_all(state_.cluster, asked, request_.owner, policy_, *kinds_);
  spaces_ = spaces_in(spaces.wait(), names);
  ask_for_defaults(asked);
  for (const auto& each : asked) upsert(*each.manifest, each.live, each.dry_run);
}

/// A field that another tool holds and the manifest does not name is no loss where the server sets it anyway.
/// So where anything is to be taken from others, the manifest is tried as a new object as well.
void ObjectPlanner::ask_for_defaults(const std::vector<Asking>& asked) {
  std::vector<Id> ids;
  std::vector<HttpRequest> requests;
  for (const auto& each : asked) {
    const Manifest& manifest = *each.manifest;
    if (each.live.response.status != 200 || each.dry_run.status != 200 ||
        manifest.options.apply == protocol::ApplyMode::create_only ||
        fields_of_deployers(each.live.object, is_ours(each.live.object, manifest.id)).empty())
      continue;
    ids.push_back(manifest.id);
    const bool defines = manifest.id.type == GroupKind{"apiextensions.k8s.io", "CustomResourceDefinition"};
    requests.push_back(defines ? as_new_definition(manifest) : as_new(manifest));
  }
  const auto answers = send_all(state_.cluster.http(), std::move(requests));
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (answers[i].status == 200 || answers[i].status == 201)
      defaults_.emplace(ids[i], parse_go_json(answers[i].body, ids[i].str()));
}

Step ObjectPlanner::step_for(const Id& id, Action action, std::string reason, int wave) const {
  Step step;
  step.id = id.resource();
  step.action = action;
  step.key = std::string(to_string(action)) + " " + id.str();
  step.reason = std::move(reason);
  step.wave = wave;
  step.from = from_of(id);
  step.rerun = protocol::Rerun::safe;  // an apply is the same however often it runs
  if (const auto it = wanted_.find(id); it != wanted_.end() && action != Action::remove) {
    step.digest = it->second.document;
    step.group = group_of(it->second);
  }
  return step;
}

WireProblem ObjectPlanner::problem_at(const Id& id, ProblemCause cause, std::string message,
                                      std::string hint) const {
  WireProblem problem;
  problem.code = "plan";
  problem.cause = cause;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.id = id.str();
  if (const auto it = wanted_.find(id); it != wanted_.end()) problem.document = it->second.document;
  return problem;
}

void ObjectPlanner::upsert(const Manifest& manifest, const ReadObject& live, const HttpResponse& dry_run) {
  const bool is_space = manifest.id.type == kNamespace;
  if (is_space && live.response.status == 200)
    spaces_.try_emplace(manifest.id.name, space_as(live.object, manifest.id.name));
  if (waits_for_space(is_space ? manifest.id.name : manifest.id.space, manifest.id)) return;
  if (live.response.status == 404) return absent(manifest, dry_run);
  if (live.response.status == 200) return present(manifest, live.object, dry_run);
  unreadable(manifest, live.response, dry_run);
}

void ObjectPlanner::unreadable(const Manifest& manifest, const HttpResponse& live,
                               const HttpResponse& dry_run) {
  auto problems = state_.cluster.problems_of(live, "cannot read " + manifest.id.str());
  // Who may not read may often not write either, and has to be given both.
  if (live.status == 403 && dry_run.status == 403)
    for (auto& problem : state_.cluster.problems_of(dry_run, "cannot apply " + manifest.id.str()))
      problems.push_back(std::move(problem));
  for (auto& problem : problems) {
    problem.id = manifest.id.str();
    problem.document = manifest.document;
    problem.pointer.clear();
    result_.problems.push_back(std::move(problem));
  }
}

/// What the server says against the manifest, each with the member that it is about.
void ObjectPlanner::refused(const Manifest& manifest, const HttpResponse& dry_run, const char* hint) {
  const auto document = std::find_if(request_.documents.begin(), request_.documents.end(),
                                     [&](const auto& each) { return each.digest == manifest.document; });
  for (auto& problem :
       complaints_about(state_.cluster, manifest, document->json, request_.owner, policy_, dry_run)) {
    problem.id = manifest.id.str();
    problem.document = manifest.document;
    if (problem.hint.empty()) problem.hint = hint;
    result_.problems.push_back(std::move(problem));
  }
}

void ObjectPlanner::absent(const Manifest& manifest, const HttpResponse& dry_run) {
  const auto problems = result_.problems.size();
  const bool no_space = has_no_space(manifest, dry_run);
  if (problems != result_.problems.size()) return;
  if (manifest.known && !no_space && dry_run.status != 200 && dry_run.status != 201)
    return refused(manifest, dry_run);
  if (manifest.known && !no_space && cuts(manifest, dry_run)) return;
  auto step = step_for(manifest.id, Action::create, "it does not exist", wave_of(manifest));
  step.precondition = Precondition().text();
  step.diff = fields_diff(Value(), manifest.object, manifest.secret());
  result_.steps.push_back(std::move(step));
}

void ObjectPlanner::present(const Manifest& manifest, const Value& live, const HttpResponse& dry_run) {
  const Id& id = manifest.id;
  WireProblem other;
  if (of_other(live, id, other)) {
    result_.problems.push_back(std::move(other));
    return;
  }
  const bool ours = is_ours(live, id);
  if (live.at_pointer("/metadata/deletionTimestamp")) {
    result_.problems.push_back(
        problem_at(id, ProblemCause::transient, id.str() + " is being deleted",
                   "it is made anew when it has gone; look at its finalizers if it stays"));
    return;
  }
  if (manifest.options.apply == protocol::ApplyMode::create_only)
    return add(step_for(id, ours && from_of(id).empty() ? Action::none : Action::adopt,
                        std::string("exists and is create-only: left as it is") +
                            (ours ? "" : "; " + adoption(manifest)),
                        wave_of(manifest)),
               Precondition::of(live, state_.digests, policy_.ignored(id)));
  if (dry_run.status == 200 && cuts(manifest, dry_run)) return;
  if (dry_run.status != 200) return not_as_it_is(manifest, live, ours, dry_run);
  as_it_would_be(manifest, live, ours, parse_go_json(dry_run.body, id.str()));
}

void ObjectPlanner::add(Step step, const Precondition& precondition) {
  step.precondition = precondition.text();
  result_.steps.push_back(std::move(step));
}

void ObjectPlanner::as_it_would_be(const Manifest& manifest, const Value& live, bool ours,
                                   const Value& then) {
  const Id& id = manifest.id;
  const Ignored ignored = policy_.ignored(id);
  const LeftToOthers left(ignored, live);
  auto precondition = Precondition::of(live, state_.digests, ignored);
  precondition.take = fields_of_deployers(live, ours);
  if (policy_.remove_foreign_items)
    for (auto& path : foreign_items(then)) precondition.take.push_back(std::move(path));
  precondition.take = left.others(std::move(precondition.take));
  const auto defaults = defaults_.find(id);
  const Value after =
      precondition.take.empty()
          ? then
          : after_taking(then, precondition.take, defaults == defaults_.end() ? Value() : defaults->second);
  const Value was = without_marks(left.without(live)), is = without_marks(left.without(then)),
              stays = without_marks(left.without(after));
  Step step;
  if (differs(was, is) || differs(is, stays)) {
    std::string why = changed_paths(was, is);
    if (const auto gone = changed_paths(is, stays); !gone.empty())
      why += (why.empty() ? "" : ", ") + ("no longer declared: " + gone);
    step = step_for(id, Action::update, ours ? why : "exists, not ours: " + why + "; " + adoption(manifest),
                    wave_of(manifest));
    step.diff = fields_diff(was, stays, manifest.secret());
  } else if (!ours) {
    step = step_for(id, Action::adopt, "exists, not ours, and is as declared: " + adoption(manifest),
                    wave_of(manifest));
  } else if (!from_of(id).empty()) {
    step = step_for(id, Action::adopt, "is as declared; handed over by application '" + from_of(id) + "'",
                    wave_of(manifest));
  } else if (differs(left.without(live), left.without(then)) || !precondition.take.empty()) {
    step = step_for(id, Action::update, "is as declared; its marks are ours again", wave_of(manifest));
  } else if (const auto ours_no_more = left.ours(); !ours_no_more.empty()) {
    step = step_for(id, Action::update,
                    "is as declared; left to others from now on: " + paths_only_there(ours_no_more, Value()),
                    wave_of(manifest));
  } else if (!same_ownership(left, live, then)) {
    step = step_for(id, Action::adopt, "is as declared; its fields are ours again", wave_of(manifest));
  } else if (!is_the_one_applied(live, id)) {
    step =
        step_for(id, Action::adopt, "is another object, and as declared: it becomes ours", wave_of(manifest));
  } else {
    step = step_for(id, Action::none, "it is as declared", wave_of(manifest));
  }
  add(std::move(step), precondition);
}

/// Whether the policy leaves to others a part of what the cluster does not divide; then that is told.
bool ObjectPlanner::cuts(const Manifest& manifest, const HttpResponse& dry_run) {
  const Ignored ignored = policy_.ignored(manifest.id);
  if (ignored.pointers.empty()) return false;
  const auto found = cut(ignored, manifest.object, parse_go_json(dry_run.body, manifest.id.str()));
  if (!found) return false;
  auto problem = problem_at(manifest.id, ProblemCause::input,
                            "the policy ignores " + found->pointer + " of " + manifest.id.str() +
                                ", which is a part of what the cluster keeps as one value",
                            "ignore all of it: " + found->whole);
  problem.pointer = found->whole;
  result_.problems.push_back(std::move(problem));
  return true;
}

/// The server refuses the apply onto the live object. What others set in its place is taken over; what cannot
/// be changed is made anew, if that is wanted and the server would take it.
void ObjectPlanner::not_as_it_is(const Manifest& manifest, const Value& live, bool ours,
                                 const HttpResponse& dry_run) {
  const Id& id = manifest.id;
  if (dry_run.status != 422) return refused(manifest, dry_run);
  if (may_need_resize(id, status_of(dry_run)) && resize(manifest, live, ours)) return;
  const Ignored ignored = policy_.ignored(id);
  auto precondition = Precondition::of(live, state_.digests, ignored);
  const LeftToOthers left(ignored, live);
  if (ours) precondition.take = left.others(in_the_way(live, status_of(dry_run)));
  const char* why = "others set in place of what is declared: ";
  if (precondition.take.empty() && !says_immutable(status_of(dry_run))) {
    precondition.take =
        left.others(forbidden_members(live, manifest.object, status_of(dry_run), ours && policy_.force));
    why = "not allowed beside what is declared: ";
    if (!precondition.take.empty() && made_anew(manifest, live).is_null()) precondition.take.clear();
  }
  if (!precondition.take.empty()) {
    const std::string taken = paths_only_there(precondition.take, Value());
    auto step = step_for(id, Action::update, why + taken, wave_of(manifest));
    if (!ours) step.reason = "exists, not ours: " + step.reason + "; " + adoption(manifest);
    step.diff = "- " + taken + "\n";
    return add(std::move(step), precondition);
  }
  if (!says_immutable(status_of(dry_run))) return refused(manifest, dry_run);
  if (manifest.options.apply != protocol::ApplyMode::replace)
    return refused(manifest, dry_run, holds_data(id.type) ? kReplaceLosesData : kReplace);
  const Value then = made_anew(manifest, live);
  if (then.is_null()) return refused(manifest, dry_run);
  auto step = step_for(id, Action::replace, "cannot be changed in place: it is deleted and made anew",
                       wave_of(manifest));
  step.destroys = holds_data(id.type) ? Destroys::data : Destroys::restart;
  step.diff = fields_diff(without_marks(live), without_marks(then), manifest.secret());
  precondition.propagation = propagation_of(manifest.object, policy_);
  add(std::move(step), precondition);
}

/// A spec that is merely wrong never deletes a live object: the server is asked what it would make of the
/// manifest as a new object, under a name that nothing has. Null where it would not take it.
Value ObjectPlanner::made_anew(const Manifest& manifest, const Value& live) {
  const auto response = state_.cluster.http().send(as_new(manifest));
  if (response.status != 201 && response.status != 200) return {};
  return in_place_of(parse_go_json(response.body, manifest.id.str()), live, manifest.object);
}

HttpRequest ObjectPlanner::as_new(const Manifest& manifest) const {
  Manifest other = manifest;
  other.id.name = manifest.id.name.substr(0, kNameBeforeProbe) + "-gitopsd-probe";
  other.object.as_object().at("metadata").set("name", other.id.name);
  return apply_request(other, request_.owner, policy_, {}, true);
}

/// Its name is given by its group, which is the one that differs here.
HttpRequest ObjectPlanner::as_new_definition(const Manifest& manifest) const {
  Manifest other = manifest;
  if (Value* spec = other.object.find("spec") ? &other.object.as_object().at("spec") : nullptr;
      spec && spec->is_object() && spec->find("names")) {
    const std::string group = "gitopsd-probe." + spec->get_string("group");
    spec->set("group", group);
    other.id.name = spec->find("names")->get_string("plural") + "." + group;
    other.object.as_object().at("metadata").set("name", other.id.name);
  }
  return apply_request(other, request_.owner, policy_, {}, true);
}

protocol::PlanResult plan(State& state, const protocol::PlanRequest& request, protocol::CallContext&) {
  return ObjectPlanner(state, request).run();
}

}  // namespace gitopsd::kubernetes
