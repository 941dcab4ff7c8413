#include "providers/host/plan.h"

#include <algorithm>

#include "providers/host/diff.h"
#include "providers/host/path.h"

namespace gitopsd::host {
namespace {

using protocol::Action;
using protocol::Destroys;
using protocol::PlanMode;
using protocol::Step;
using protocol::WireProblem;

constexpr std::size_t kMaxDiffInput = 256u << 10;
constexpr const char* kTwoOwners =
    "let one of the two declare it, and delete it from the other first; where the other installation's "
    "store is lost, this one can take its place: store.installation in the configuration, and a restart";

/// Whether what we wrote there was not to be shown, whatever is declared now; so too where nobody remembers.
bool was_sensitive(const std::optional<OwnedList::Record>& record) {
  if (!record) return false;
  const auto receipt = receipt_of(record->receipt);
  return !receipt || receipt->sensitive;
}

}  // namespace

protocol::PlanResult plan(State& state, const protocol::PlanRequest& request,
                          protocol::CallContext& context) {
  return Planner(state, request, context).run();
}

protocol::PlanResult Planner::run() {
  policy_ = Policy::parse(request_.policy, result_.problems);
  read_upserts();
  read_removals();
  if (!result_.problems.empty()) return std::move(result_);
  for (const auto& [path, wanted] : wanted_) upsert(wanted);
  for (const auto& path : removals_) remove(path);
  if (result_.problems.empty()) miss_folders();
  if (result_.problems.empty()) result_.steps = ordered();
  return std::move(result_);
}

void Planner::read_upserts() {
  for (const auto& resource : request_.upsert) {
    const auto& document = documents_.at(resource.document, resource.id.str());
    auto wanted = read_document(document, Value(), result_.problems);
    if (!wanted) continue;
    if (id_of(wanted->path) != resource.id)
      throw fail(ProblemCause::input, "'" + resource.id.str() + "' is not what its document declares");
    wanted->options = resource.options;
    for (auto& breach : breaches(policy_, *wanted)) result_.problems.push_back(std::move(breach));
    if (!wanted->source.empty() && !wanted->blob)
      problem(*wanted, ProblemCause::input,
              "the file '" + wanted->source + "' was not sent with the document", "");
    const std::string path = wanted->path;
    wanted_.insert_or_assign(path, std::move(*wanted));
  }
}

void Planner::read_removals() {
  for (const auto& id : request_.remove) {
    const std::string path = path_of(id);
    if (path.empty()) throw fail(ProblemCause::input, "'" + id.str() + "' is no id of this provider");
    if (policy_.allowed_by(path))
      removals_.insert(path);
    else
      result_.problems.push_back(path_breach(policy_, path));
  }
}

void Planner::problem(const Wanted& wanted, ProblemCause cause, std::string message, std::string hint) {
  problem(wanted.path, cause, std::move(message), std::move(hint));
  result_.problems.back().document = wanted.document;
  result_.problems.back().pointer = "/spec/path";
}

void Planner::problem(const std::string& path, ProblemCause cause, std::string message, std::string hint) {
  WireProblem problem;
  problem.code = "plan";
  problem.cause = cause;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.id = id_of(path).str();
  result_.problems.push_back(std::move(problem));
}

Step Planner::step_for(const std::string& path, Action action, std::string reason) const {
  Step step;
  step.id = id_of(path);
  step.action = action;
  step.key = std::string(to_string(action)) + " " + step.id.str();
  step.reason = std::move(reason);
  step.from = from_of(path);
  step.rerun = protocol::Rerun::safe;  // each write checks what is there and is whole or not there
  if (auto wanted = wanted_.find(path); wanted != wanted_.end()) step.digest = wanted->second.document;
  return step;
}

std::string Planner::from_of(const std::string& path) const {
  const auto entry = std::find_if(request_.entries.begin(), request_.entries.end(),
                                  [&](const auto& each) { return each.id == id_of(path); });
  return entry == request_.entries.end() ? std::string() : entry->from;
}

bool Planner::owned_by_other(const std::string& path, const std::optional<OwnedList::Record>& record,
                             std::string& who) const {
  if (!record || stands_for(record->owner, request_.owner, from_of(path))) return false;
  who = "'" + path + "' belongs to application '" + record->owner.application + "'";
  if (record->owner.installation != request_.owner.installation)
    who += " of another installation ('" + record->owner.installation + "')";
  return true;
}

void Planner::upsert(const Wanted& wanted) {
  std::string who;
  const auto record = state_.owned.find(id_of(wanted.path));
  if (owned_by_other(wanted.path, record, who)) {
    problem(wanted, ProblemCause::conflict, who, kTwoOwners);
    if (record->owner.installation == request_.owner.installation)
      result_.problems.back().owner = record->owner.application;
    return;
  }
  const std::size_t before = result_.problems.size();
  const Goal goal = goal_of(wanted, result_.problems);
  if (result_.problems.size() != before) return;
  try {
    if (without_prefix(wanted, goal)) return;
    auto place = open_place(*policy_.allowed_by(wanted.path), wanted.path);
    if (!place) return absent(wanted, goal, false);
    const Seen seen = look(*place, &state_.key);
    if (seen.facts.type == Type::absent) return absent(wanted, goal, true);
    present(wanted, goal, *place, seen);
  } catch (const Failure& e) {
    // A link on the way that this very plan makes a directory of is no problem.
    auto folder = wanted_.find(parent_of(wanted.path));
    if (e.cause() == ProblemCause::conflict && folder != wanted_.end() &&
        folder->second.type == Type::directory)
      return absent(wanted, goal, true);
    problem(wanted, e.cause(), e.problems()[0].message, e.problems()[0].hint);
  }
}

/// Whether the allowed folder itself is declared and not there: made by this very plan, or put back first.
bool Planner::without_prefix(const Wanted& wanted, const Goal& goal) {
  const std::string& prefix = *policy_.allowed_by(wanted.path);
  if (wanted.path == prefix || !prefix_is_missing(prefix)) return false;
  const auto folder = wanted_.find(prefix);
  const bool made = folder != wanted_.end() && folder->second.type == Type::directory;
  if (!made && !state_.owned.find(id_of(prefix))) return false;
  if (made)
    absent(wanted, goal, parent_of(wanted.path) == prefix);
  else
    problem(wanted, ProblemCause::transient, "its folder '" + prefix + "' is gone for the moment",
            "it is put back first");
  return true;
}

/// What this call says nothing of is as it was applied, or is drift and put back; but not without the allowed
/// folder that it is in, which nobody here may make.
void Planner::miss_folders() {
  if (request_.mode == PlanMode::heal || request_.mode == PlanMode::remove) return;
  for (const auto& prefix : policy_.paths) {
    if (!prefix_is_missing(prefix) || state_.owned.find(id_of(prefix))) continue;
    for (const auto& id : state_.owned.beneath(prefix)) {
      const auto record = state_.owned.find(id);
      if (!record || record->owner != request_.owner || removals_.contains(path_of(id))) continue;
      problem(prefix, ProblemCause::destination,
              "the allowed folder '" + prefix + "' does not exist, and '" + path_of(id) + "' belongs there",
              "create it, mount it, or correct `policy.paths`");
      break;
    }
  }
}

void Planner::absent(const Wanted& wanted, const Goal&, bool folder_exists) {
  const std::string folder = parent_of(wanted.path);
  if (!folder_exists && !wanted_.contains(folder) && !request_.partial) {
    if (state_.owned.find(id_of(folder)))
      return problem(wanted, ProblemCause::transient, "its folder '" + folder + "' is gone for the moment",
                     "it is put back first");
    return problem(wanted, ProblemCause::input, "its folder '" + folder + "' does not exist",
                   "declare a Directory with path: " + folder);
  }
  Step step = step_for(wanted.path, Action::create, "it does not exist");
  step.precondition = to_text(Facts{});
  step.diff = content_diff(&wanted, false, wanted.sensitive, nullptr, nullptr);
  upserts_.push_back({wanted.path, std::move(step)});
}

void Planner::present(const Wanted& wanted, const Goal& goal, const Place& place, const Seen& seen) {
  const auto record = state_.owned.find(id_of(wanted.path));
  const bool ours = record.has_value();
  const auto items = differences(seen, goal, wanted);
  const bool keep = wanted.options.apply == protocol::ApplyMode::create_only;
  Step step;
  if (items.empty() && ours && record->owner != request_.owner) {
    step = step_for(wanted.path, Action::adopt,
                    "is as declared; handed over by application '" + record->owner.application + "'");
  } else if (items.empty()) {
    step =
        ours ? step_for(wanted.path, Action::none, "it is as declared")
             : step_for(wanted.path, Action::adopt, "exists, not ours, and is as declared: it becomes ours");
  } else if (keep) {
    step = step_for(wanted.path, ours ? Action::none : Action::adopt,
                    "exists and is create-only: left as it is (" + joined(items) + ")");
  } else {
    const bool other = seen.facts.type != wanted.type;
    step = step_for(wanted.path, other ? Action::replace : Action::update,
                    ours ? joined(items) : "exists, not ours: " + joined(items) + "; it becomes ours");
    step.diff = content_diff(&wanted, !ours, wanted.sensitive || was_sensitive(record), &place, &seen);
  }
  step.precondition = to_text(seen.facts);
  if (step.action == Action::replace && seen.facts.type == Type::directory) {
    auto names = names_in(place);
    std::erase_if(names, [&](const auto& name) { return removals_.contains(wanted.path + "/" + name); });
    step.precondition = to_text(facts_with_contents(seen, state_.key, names));
    if (!names.empty()) {
      if (request_.mode == PlanMode::heal)
        return problem(wanted, ProblemCause::conflict, "a directory that is not empty stands there",
                       "move it away; it is not deleted without approval");
      step.destroys = Destroys::data;
      step.reason += "; with it goes " + joined(names).substr(0, 500);
    }
  }
  upserts_.push_back({wanted.path, std::move(step)});
}

void Planner::remove(const std::string& path) {
  const auto record = state_.owned.find(id_of(path));
  std::string who;
  if (owned_by_other(path, record, who)) return problem(path, ProblemCause::conflict, who, kTwoOwners);
  try {
    auto place = open_place(*policy_.allowed_by(path), path);
    const Seen seen = place ? look(*place, &state_.key) : Seen{};
    Step step =
        step_for(path, Action::remove,
                 request_.mode == PlanMode::remove ? "the application is deleted" : "no longer declared");
    step.precondition = to_text(seen.facts);
    if (seen.facts.type == Type::absent) {
      step.reason += "; already gone";
      removes_.push_back({path, std::move(step)});
      return;
    }
    if (!record)
      return problem(path, ProblemCause::conflict,
                     "'" + path + "' is not in this host's list of what it made",
                     "delete it by hand, or declare it once more and sync, and then remove it");
    const auto receipt = receipt_of(record->receipt);
    if (receipt && receipt->facts.type != seen.facts.type) {
      step.reason += "; left alone, since a " + std::string(to_string(seen.facts.type)) +
                     " stands there that is not ours";
      removes_.push_back({path, std::move(step)});
      return;
    }
    if (seen.facts.type == Type::directory) return remove_directory(std::move(step), *record, *place, seen);
    step.diff = content_diff(nullptr, false, was_sensitive(record), &*place, &seen);
    removes_.push_back({path, std::move(step)});
  } catch (const Failure& e) {
    problem(path, e.cause(), e.problems()[0].message, e.problems()[0].hint);
  }
}

void Planner::remove_directory(Step step, const OwnedList::Record& record, const Place& place,
                               const Seen& seen) {
  auto names = names_in(place);
  std::erase_if(names, [&](const auto& name) { return removals_.contains(place.path + "/" + name); });
  step.precondition = to_text(facts_with_contents(seen, state_.key, names));
  std::string kept;
  for (const auto& id : state_.owned.beneath(place.path))
    if (!removals_.contains(path_of(id))) kept = path_of(id);
  for (const auto& [path, wanted] : wanted_)
    if (is_beneath(path, place.path)) kept = path;
  if (!kept.empty()) {
    step.reason += "; left in place, since '" + kept + "' in it is still declared";
    step.precondition = kKeep;
  } else if (!names.empty() && record.adopted) {
    step.reason += "; left in place, since it was there before and is not empty";
    step.precondition = kKeep;
  } else if (!names.empty()) {
    step.destroys = Destroys::data;
    step.reason += "; with it goes what is in it";
    std::string& diff = step.diff;
    for (const auto& name : names) {
      if (diff.size() > 4096) {
        diff += "... (" + std::to_string(names.size()) + " in all)\n";
        break;
      }
      diff +=
          "-" + (is_text(name) ? place.path + "/" + name : std::string("(a name that is no text)")) + "\n";
    }
  }
  removes_.push_back({place.path, std::move(step)});
}

std::optional<std::string> Planner::wanted_bytes(const Wanted& wanted) {
  if (!wanted.blob) return wanted.content;
  if (wanted.blob->size > kMaxDiffInput) return std::nullopt;
  return context_.blobs.read(*wanted.blob, kMaxDiffInput);
}

std::string Planner::content_diff(const Wanted* wanted, bool foreign, bool sensitive, const Place* place,
                                  const Seen* seen) {
  const bool file_before = seen && seen->facts.type == Type::file;
  const bool file_after = wanted && wanted->type == Type::file;
  const std::string path = wanted ? wanted->path : place->path;
  if (!file_before && !file_after) return {};
  // What others may not read on the host is not shown to those who read plans.
  if (sensitive || (foreign && file_before && (seen->facts.mode & 0004) == 0))
    return "content is not shown\n";
  std::optional<std::string> before, after;
  if (file_before) {
    before = read_bounded(*place, kMaxDiffInput);
    if (!before)
      return "content before: " + std::to_string(seen->fingerprint.size) + " bytes, too large to show\n";
  }
  if (file_after) {
    after = wanted_bytes(*wanted);
    if (!after) return "content after: " + std::to_string(wanted->blob->size) + " bytes, too large to show\n";
  }
  return unified_diff(path, before, after);
}

std::vector<Step> Planner::ordered() {
  std::vector<Planned*> order;
  std::map<std::string, std::string> keys;  // by path, of the steps that change something
  auto beneath_non_directory = [&](const std::string& path) {
    for (std::string folder = parent_of(path); folder != "/"; folder = parent_of(folder))
      if (auto it = wanted_.find(folder); it != wanted_.end() && it->second.type != Type::directory)
        return true;
    return false;
  };
  // What stands in the way of a file goes first; else folders before what is in them, and the reverse for
  // removals.
  for (auto it = removes_.rbegin(); it != removes_.rend(); ++it)
    if (beneath_non_directory(it->path)) order.push_back(&*it);
  for (auto& planned : upserts_) order.push_back(&planned);
  for (auto it = removes_.rbegin(); it != removes_.rend(); ++it)
    if (!beneath_non_directory(it->path)) order.push_back(&*it);

  for (Planned* planned : order) keys.emplace(planned->path, planned->step.key);
  std::vector<Step> steps;
  for (Planned* planned : order) {
    const bool removal = planned->step.action == Action::remove;
    const std::string folder = parent_of(planned->path);
    if (auto it = wanted_.find(folder); !removal && it != wanted_.end())
      planned->step.after.push_back(keys.at(folder));
    if (removal || planned->step.action == Action::replace)
      for (auto it = removals_.upper_bound(planned->path + "/");
           it != removals_.end() && is_beneath(*it, planned->path); ++it)
        planned->step.after.push_back(keys.at(*it));
    steps.push_back(std::move(planned->step));
  }
  return steps;
}

}  // namespace gitopsd::host
