#include <algorithm>
#include <map>

#include "base/json.h"
#include "providers/aws/content_verbs.h"
#include "providers/aws/stack.h"

namespace gitopsd::aws {
namespace {

using protocol::Action;
using protocol::Step;
using protocol::WireProblem;

/// From here on a list is cheaper than a question for each object.
constexpr std::size_t kFewObjects = 10;

class ContentPlanner {
 public:
  ContentPlanner(State& state, const protocol::PlanRequest& request, protocol::CallContext& context,
                 protocol::PlanResult& result)
      : state_(state), request_(request), context_(context), result_(result) {}

  void run() {
    policy_ = Policy::parse(request_.policy, result_.problems);
    read_documents();
    if (!result_.problems.empty()) return;
    state_.check_account(context_.cancelled);
    for (const auto& content : wanted_) guarded(id_of(content), content.document, [&] { upsert(content); });
    std::vector<Step> removals;
    for (const auto& id : request_.remove)
      if (is_content(id)) guarded(id, "", [&] { removals.push_back(removal(id)); });
    put_first(std::move(removals));
  }

 private:
  void read_documents() {
    std::map<std::string_view, const protocol::Resource*> upserts;
    for (const auto& resource : request_.upsert) upserts.emplace(resource.document, &resource);
    for (const auto& document : request_.documents) {
      if (!is_content(document) || !upserts.contains(document.digest)) continue;
      auto content = read_content(document, Value(), result_.problems);
      if (!content) continue;
      for (auto& problem : breaches(policy_, *content)) result_.problems.push_back(std::move(problem));
      wanted_.push_back(*std::move(content));
    }
    for (const auto& entry : request_.entries) entries_.emplace(entry.id, &entry);
    find_overlaps(wanted_, result_.problems);
  }

  template <class Work>
  void guarded(const ResourceId& id, const std::string& document, const Work& work) {
    try {
      work();
    } catch (const Failure& failure) {
      const Problem& first = failure.problems().front();
      tell(id, document, "plan", first.cause, document.empty() ? "" : "/spec/bucket", first.message,
           first.hint);
    }
  }

  void tell(const ResourceId& id, const std::string& document, std::string code, ProblemCause cause,
            std::string pointer, std::string message, std::string hint) {
    WireProblem problem;
    problem.code = std::move(code);
    problem.cause = cause;
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    problem.id = id.str();
    problem.document = document;
    problem.pointer = std::move(pointer);
    result_.problems.push_back(std::move(problem));
  }

  const protocol::Entry* entry_of(const ResourceId& id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : found->second;
  }

  static Step step_for(const ResourceId& id, Action action, std::string reason) {
    Step step;
    step.id = id;
    step.action = action;
    step.key = std::string(to_string(action)) + " " + id.str();
    step.reason = std::move(reason);
    step.rerun = protocol::Rerun::safe;  // what was sent is not sent again
    return step;
  }

  /// The step of a stack that the content requires and that this plan changes.
  const Step* changing_before(const Content& content) const {
    const Step* last = nullptr;
    for (const auto& step : result_.steps) {
      const bool required = std::any_of(content.requires_.begin(), content.requires_.end(),
                                        [&](const std::string& name) { return id_of(name) == step.id; });
      if (required && step.action != Action::none && (!last || step.wave > last->wave)) last = &step;
    }
    return last;
  }

  void upsert(const Content& content) {
    const ResourceId id = id_of(content);
    const auto* entry = entry_of(id);
    const bool owned = entry && entry->owned;
    if (const Step* before = changing_before(content)) {
      auto step = step_for(id, owned ? Action::update : Action::create,
                           "what changes is known when '" + name_of(before->id) + "' is as declared");
      step.wave = before->wave + 1;
      step.provisional = true;
      step.digest = content.document;
      step.from = entry ? entry->from : "";
      result_.steps.push_back(std::move(step));
      return;
    }
    const auto ledger = state_.ledgers.of(id);
    const auto marks = marks_of(request_.owner, entry ? entry->from : "");
    look(content, *ledger, entry, marks);
    const auto found = difference(*ledger->objects(), &content, content.extra, marks);
    if (!found.of_others.empty()) return tell_conflict(content, *ledger, found);
    result_.steps.push_back(step_of(content, entry, found));
  }

  /// Where the ledger is as new as the receipt, what nobody declared anew needs no question.
  void look(const Content& content, Ledger& ledger, const protocol::Entry* entry,
            const std::vector<std::string>& marks) {
    const ContentPlace place{content.bucket, content.prefix};
    const auto receipt = entry && entry->owned ? ContentReceipt::parse(entry->owned->receipt) : std::nullopt;
    const bool known = receipt && ledger.at() >= receipt->at;
    // What is beneath the prefix besides matters only now.
    const bool widened = receipt && content.extra == Extra::all && receipt->extra != Extra::all;
    const auto objects = ledger.objects();
    if (known && !widened && request_.mode == protocol::PlanMode::changed) {
      const auto unclear = unclear_in(content, *objects, marks);
      if (unclear.size() <= kFewObjects)
        return survey_few(state_, ledger, place, unclear, &content, context_.cancelled);
    }
    const bool lost = entry && entry->owned && !known;
    survey(state_, ledger, place, {&content, lost || content.extra == Extra::all}, context_.cancelled);
    if (receipt) ledger.confirm(receipt->at);
  }

  /// What has to be asked for before it is written or deleted: what is not known to be our own.
  static std::vector<std::string> unclear_in(const Content& content, const KnownObjects& objects,
                                             const std::vector<std::string>& marks) {
    std::vector<std::string> out;
    for (const auto& [key, object] : content.objects) {
      const auto found = objects.find(key);
      if (found == objects.end() || found->second.etag.empty() || found->second.owner != marks.front())
        out.push_back(key);
    }
    for (const auto& key : difference(objects, &content, content.extra, marks).remove) out.push_back(key);
    return out;
  }

  void tell_conflict(const Content& content, const Ledger& ledger, const Difference& found) {
    const auto objects = ledger.objects();
    const std::string& key = found.of_others.front();
    const std::string owner = objects->at(key).owner;
    const auto slash = owner.find('/');
    const std::string application = owner.substr(slash + 1);
    const bool here = owner.substr(0, slash) == request_.owner.installation;
    const std::size_t more = found.of_others.size() - 1;
    // Not as the owner of this very content, whose mark the daemon may have taken: it may be one beneath it.
    tell(id_of(content), content.document, "plan", ProblemCause::conflict, "/spec/prefix",
         "the object '" + key + "' of the bucket '" + content.bucket + "' belongs to application '" +
             application + "'" + (here ? "" : " of another installation") +
             (more ? ", and so it is with " + std::to_string(more) + " more" : ""),
         "give each application a prefix of its own");
  }

  Step step_of(const Content& content, const protocol::Entry* entry, const Difference& found) const {
    const bool owned = entry && entry->owned, handed = entry && !entry->from.empty();
    const bool nothing_there = found.take.empty() && found.same == 0;
    const Action action = handed               ? Action::adopt
                          : found.empty()      ? Action::none
                          : owned              ? Action::update
                          : nothing_there      ? Action::create
                          : found.take.empty() ? Action::update  // of ours, which the daemon does not know of
                                               : Action::adopt;
    auto step = step_for(id_of(content), action, found.summary());
    if (action == Action::none) step.reason.clear();
    step.precondition = found.digest();
    step.diff = found.text();
    step.digest = content.document;
    step.from = entry ? entry->from : "";
    // Heals put back what the operator's policy says is the application's alone.
    if (found.others_removed > 0) step.destroys = protocol::Destroys::data;
    return step;
  }

  Step removal(const ResourceId& id) {
    const ContentPlace place = place_of(id);
    if (!policy_.allows_content(place.bucket, place.prefix))
      throw fail(ProblemCause::permission,
                 "the policy does not allow '" + place.bucket + "/" + place.prefix + "'");
    const auto* entry = entry_of(id);
    const auto ledger = state_.ledgers.of(id);
    const auto receipt = entry && entry->owned ? ContentReceipt::parse(entry->owned->receipt) : std::nullopt;
    Difference found;
    try {
      survey(state_, *ledger, place, {nullptr, !receipt || ledger->at() < receipt->at}, context_.cancelled);
      found = difference(*ledger->objects(), nullptr, Extra::owned,
                         marks_of(request_.owner, entry ? entry->from : ""));
    } catch (const ApiError& error) {
      if (error.code() != "NoSuchBucket") throw;
    }
    auto step =
        step_for(id, Action::remove,
                 found.remove.empty() ? "nothing of ours is there any more" : "it is no longer declared");
    step.precondition = found.digest();
    step.diff = found.text();
    step.destroys = found.remove.empty() ? protocol::Destroys::nothing : protocol::Destroys::data;
    step.from = entry ? entry->from : "";
    return step;
  }

  /// A bucket is deleted only when it is empty.
  void put_first(std::vector<Step> removals) {
    std::optional<int> first;  // wave of stacks that go
    for (const auto& step : result_.steps)
      if (step.action == Action::remove) first = std::min(first.value_or(step.wave), step.wave);
    for (auto& step : result_.steps)
      if (step.action == Action::remove)
        for (const auto& removal : removals) step.after.push_back(removal.key);
    for (auto& step : removals) step.wave = first.value_or(0);
    result_.steps.insert(result_.steps.begin(), std::make_move_iterator(removals.begin()),
                         std::make_move_iterator(removals.end()));
  }

  State& state_;
  const protocol::PlanRequest& request_;
  protocol::CallContext& context_;
  protocol::PlanResult& result_;
  Policy policy_;
  std::vector<Content> wanted_;
  std::map<ResourceId, const protocol::Entry*> entries_;
};

}  // namespace

void plan_contents(State& state, const protocol::PlanRequest& request, protocol::CallContext& context,
                   protocol::PlanResult& result) {
  ContentPlanner(state, request, context, result).run();
}

}  // namespace gitopsd::aws
