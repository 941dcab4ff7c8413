#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/contents.h"
#include "providers/kubernetes/going.h"
#include "providers/kubernetes/object_fields.h"
#include "providers/kubernetes/order.h"
#include "providers/kubernetes/resize.h"
#include "providers/kubernetes/verbs.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;
using protocol::Action;
using protocol::ApplyOutcome;
using protocol::Step;
using protocol::StepResult;
using protocol::StepState;

/// 8 to 16 reach nearly all of the server's rate at a quarter of the latency of more.
constexpr int kMostParallel = 12;
constexpr auto kFirstLook = 20ms;
constexpr auto kSlowestLook = 1s;
constexpr auto kServedWithin = 15s;

/// Of what is in the way of something: longer than Pods that end as they are asked.
constexpr auto kGoingTakes = 40s;
/// Of what only has to go: what others hold longer is told to be going, and seen by the watch when it is
/// gone.
constexpr auto kPromptly = 2s;

/// The object is not as it was planned on.
struct StaleObject : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A problem of the wire as an exception.
struct Refused {
  protocol::WireProblem problem;
};

/// The object's name alone: applied, it gets our marks, and all that is in it stays whose it was.
Value nothing_of(const Value& object) {
  Value metadata = Value::object();
  for (const char* key : {"name", "namespace"})
    if (const Value* value = object.find("metadata")->find(key)) metadata.set(key, *value);
  return Value::object({{"apiVersion", *object.find("apiVersion")},
                        {"kind", *object.find("kind")},
                        {"metadata", std::move(metadata)}});
}

class ObjectApplier {
 public:
  ObjectApplier(State& state, const protocol::ApplyRequest& request, protocol::CallContext& context,
                const protocol::ProgressSink& progress)
      : state_(state), request_(request), context_(context), progress_(progress) {}
  protocol::ApplyResult run();

 private:
  void read_documents();
  StepResult decide(std::size_t i);
  StepResult run_step(const Step&);
  /// Makes the change and returns the receipt.
  std::string change(const Step&, const Id&);
  std::string write(const Step&, const Id&, const Manifest&, const Precondition&);
  std::string run_hook(const Step&, const Id&, const Manifest&);
  bool make_room(const Step&, const Id&, const Value& there, const std::string& run);
  void mark(const Step&, const Id&, const Manifest&);
  std::string receipt_of(const Value& object, const Id&, const Manifest&, const Ignored&);
  HttpResponse write_as_planned(const Id&, const Manifest&, const Precondition&);
  void remove(const Id&, const Precondition&, std::chrono::seconds patience = kGoingTakes);
  void check_contents(const Id&, const Precondition&);
  void wait_until_gone(const Id&, const HttpRequest& read, const std::string& uid,
                       std::chrono::seconds patience);
  std::string prepare(const Id&, Manifest&, const Precondition&);
  Precondition resize(const Id&, const Manifest&, const Precondition&);
  HttpResponse answered(HttpRequest, const std::string& doing);
  [[noreturn]] void refuse(const HttpResponse&, const std::string& doing);
  template <class Done>
  void poll(const std::string& what, Done done);
  const Manifest& manifest_of(const Step&) const;

  State& state_;
  const protocol::ApplyRequest& request_;
  protocol::CallContext& context_;
  const protocol::ProgressSink& progress_;
  std::shared_ptr<const Policy> policy_;
  std::shared_ptr<const Kinds> kinds_;
  std::map<std::string, Manifest> manifests_;  ///< by document
  std::vector<std::vector<std::size_t>> after_;
  std::vector<StepResult> results_;
  std::atomic<bool> cancelled_{false};
};

protocol::ApplyResult ObjectApplier::run() {
  std::vector<protocol::WireProblem> problems;
  policy_ = std::make_shared<const Policy>(Policy::parse(request_.policy, problems));
  if (!problems.empty()) throw fail(ProblemCause::input, problems[0].message, problems[0].hint);
  read_documents();
  results_.resize(request_.steps.size());
  after_ = protocol::dependencies_of(request_.steps);
  protocol::run_in_order(after_, kMostParallel, [this](std::size_t i) { results_[i] = decide(i); });
  const auto outcome = protocol::outcome_of(results_, cancelled_);
  return {outcome, std::move(results_)};
}

void ObjectApplier::read_documents() {
  // A kind that an earlier wave defined is served a moment after its definition is established.
  const auto patience = Monotonic::now() + kServedWithin;
  poll("the cluster does not serve a kind that is to be written", [&] {
    kinds_ = kinds_for(state_.cluster, request_.documents);
    return has_kinds(*kinds_, request_.documents) || Monotonic::now() > patience;
  });
  std::map<std::string_view, const protocol::Resource*> resources;
  for (const auto& resource : request_.resources) resources.emplace(resource.document, &resource);
  std::vector<protocol::WireProblem> problems;
  for (const auto& document : request_.documents) {
    auto manifest = read_manifest(document, Value(), *policy_, *kinds_, Kinds(), problems);
    if (!manifest) continue;
    if (const auto it = resources.find(document.digest); it != resources.end())
      manifest->options = it->second->options;
    manifests_.insert_or_assign(document.digest, std::move(*manifest));
  }
  if (!problems.empty()) throw fail(problems[0].cause, problems[0].message, problems[0].hint);
}

StepResult ObjectApplier::decide(std::size_t i) {
  const Step& step = request_.steps[i];
  StepResult skipped{step.key, StepState::skipped, {}, {}};
  for (const std::size_t before : after_[i])
    if (results_[before].state != StepState::done) return skipped;
  if (context_.cancelled()) {
    cancelled_ = true;
    return skipped;
  }
  if (Monotonic::now() > context_.deadline) {
    skipped.problem.emplace();
    skipped.problem->cause = ProblemCause::transient;
    skipped.problem->code = "deadline";
    skipped.problem->message = "the deadline passed before it began";
    return skipped;
  }
  return run_step(step);
}

StepResult ObjectApplier::run_step(const Step& step) {
  progress_({request_.sync, step.key, StepState::begun, {}, {}, {}});
  StepResult told{step.key, StepState::failed, {}, {}};
  protocol::WireProblem problem;
  try {
    const auto id = Id::parse(step.id.str());
    if (!id) throw fail(ProblemCause::input, "'" + step.id.str() + "' is no id of this provider");
    const Watch::Writing writing(state_.watch, *id);
    told.receipt = change(step, *id);
    told.state = StepState::done;
  } catch (const StaleObject& stale) {
    problem.cause = ProblemCause::conflict;
    problem.code = "stale";
    problem.message = stale.what();
    problem.hint = "it is planned again";
  } catch (const Refused& refused) {
    problem = refused.problem;
  } catch (const Failure& failure) {
    problem.cause = failure.cause();
    problem.code = "apply";
    problem.message = failure.problems().front().message;
    problem.hint = failure.problems().front().hint;
  }
  if (told.state != StepState::done) {
    problem.id = step.id.str();
    problem.step = step.key;
    problem.document = step.digest;
    told.problem = std::move(problem);
  }
  progress_({request_.sync, step.key, told.state, told.receipt, {}, told.problem});
  return told;
}

const Manifest& ObjectApplier::manifest_of(const Step& step) const {
  const auto it = manifests_.find(step.digest);
  if (it == manifests_.end() || it->second.id.resource() != step.id)
    throw fail(ProblemCause::input, "the document of '" + step.id.str() + "' was not sent");
  return it->second;
}

std::string ObjectApplier::change(const Step& step, const Id& id) {
  if (const auto breach = policy_->breach(id, !id.space.empty()))
    throw fail(ProblemCause::permission, breach->message, breach->hint);
  // What is left as it is was not always read for the plan.
  const auto precondition =
      step.action == Action::none ? Precondition() : Precondition::parse(step.precondition);
  if (step.action == Action::remove) {
    if (!precondition.keep && !precondition.uid.empty() && holds_objects(id.type))
      check_contents(id, precondition);
    if (!precondition.keep) remove(id, precondition, kPromptly);
    state_.watch.remove(id);
    return {};
  }
  const auto& manifest = manifest_of(step);
  const bool runs = step.action == Action::run && manifest.hook.any();
  return runs ? run_hook(step, id, manifest) : write(step, id, manifest, precondition);
}

void ObjectApplier::refuse(const HttpResponse& response, const std::string& doing) {
  const auto problems = state_.cluster.problems_of(response, doing);
  auto problem = problems.front();
  const std::string again = doing + ": ";  // said once is enough
  for (std::size_t i = 1; i < problems.size(); ++i) {
    const std::string& message = problems[i].message;
    problem.message += "; " + message.substr(message.starts_with(again) ? again.size() : 0);
  }
  if (problem.code == "stale") problem.code = "apply";
  throw Refused{std::move(problem)};
}

HttpResponse ObjectApplier::answered(HttpRequest request, const std::string& doing) {
  auto response = state_.cluster.http().send(std::move(request));
  if (response.status < 200 || response.status >= 300) refuse(response, doing);
  return response;
}

/// Looks again, ever more slowly, until `done()`, a cancel or the deadline.
template <class Done>
void ObjectApplier::poll(const std::string& what, Done done) {
  for (auto wait = std::chrono::milliseconds(kFirstLook); !done();
       wait = std::min<std::chrono::milliseconds>(wait * 2, kSlowestLook)) {
    if (context_.cancelled()) throw fail(ProblemCause::transient, what + ", and the sync is cancelled");
    if (Monotonic::now() > context_.deadline)
      throw fail(ProblemCause::transient, what + " after the time given");
    std::this_thread::sleep_for(wait);
  }
}

std::string ObjectApplier::write(const Step& step, const Id& id, const Manifest& manifest,
                                 const Precondition& precondition) {
  const Ignored ignored = policy_->ignored(id);
  if (step.action == Action::none ||
      (step.action == Action::adopt && manifest.options.apply == protocol::ApplyMode::create_only)) {
    // Left as it is; what is there becomes what we compare with.
    if (!step.from.empty()) mark(step, id, manifest);
    const auto live =
        answered(read_request(*kinds_, id, manifest.version, *policy_), "cannot read " + id.str());
    const Value object = parse_go_json(live.body, id.str());
    if (const auto receipt = state_.digests.receipt(object, manifest.object, ignored)) {
      state_.watch.add(id, request_.owner.application, *receipt, policy_);
      return receipt->text();
    }
    if (step.action == Action::none) return {};
  }
  Precondition now = precondition;
  if (step.action == Action::replace) {
    remove(id, precondition);
    now = Precondition();
  }
  Manifest sent = manifest;
  if (step.action == Action::adopt && manifest.options.apply == protocol::ApplyMode::create_only)
    sent.object = nothing_of(manifest.object);
  if (ignored.fields() && now.uid.empty()) {
    // Made whole, and only then left to others.
    const auto made = write_as_planned(id, manifest, now);
    now = Precondition::of(parse_go_json(made.body, id.str()), state_.digests, ignored);
  }
  if (now.resize) now = resize(id, sent, now);
  if (ignored.fields() || !now.take.empty()) now.resource_version = prepare(id, sent, now);
  const auto response = write_as_planned(id, sent, now);
  return receipt_of(parse_go_json(response.body, id.str()), id, sent, ignored);
}

/// The one thing that changes of what is handed over and otherwise left as it is.
void ObjectApplier::mark(const Step& step, const Id& id, const Manifest& manifest) {
  HttpRequest request = read_request(*kinds_, id, manifest.version, *policy_);
  const auto live = answered(request, "cannot read " + id.str());
  const Value object = parse_go_json(live.body, id.str());
  const auto owner = owner_of(object, id);
  if (!owner) return;  // adopted, and left without a mark
  if (!stands_for(*owner, request_.owner, step.from))
    throw StaleObject(id.str() + " was made by somebody else meanwhile");
  request.method = "PATCH";
  request.path += std::string("?fieldManager=") + kManager;
  request.content_type = "application/merge-patch+json";
  request.body = to_json(Value::object(
      {{"metadata",
        Value::object({{"resourceVersion", text_at(object, "/metadata/resourceVersion")},
                       {"annotations", Value::object({{kTracking, tracking_id(request_.owner, id)}})}})}}));
  answered(std::move(request), "cannot mark " + id.str());
}

std::string ObjectApplier::receipt_of(const Value& object, const Id& id, const Manifest& manifest,
                                      const Ignored& ignored) {
  auto receipt = state_.digests.receipt(object, manifest.object, ignored);
  if (!receipt)
    throw fail(ProblemCause::destination, "the API server keeps no record of who manages " + id.str(),
               "an API of an aggregated server without managedFields cannot be watched");
  receipt->hook = manifest.hook.memory();
  state_.watch.add(id, request_.owner.application, *receipt, policy_);
  return receipt->text();
}

/// Makes its object anew, unless this very run has done so before somebody was cut off.
std::string ObjectApplier::run_hook(const Step& step, const Id& id, const Manifest& declared) {
  Manifest manifest = declared;
  Value& metadata = manifest.object.as_object().at("metadata");
  if (!metadata.find("annotations")) metadata.set("annotations", Value::object());
  const std::string run = run_of(request_.sync, step);
  metadata.as_object().at("annotations").set(kHookRun, run);
  const auto live = state_.cluster.http().send(read_request(*kinds_, id, manifest.version, *policy_));
  if (live.status == 200) {
    const Value there = parse_go_json(live.body, id.str());
    if (!make_room(step, id, there, run)) return receipt_of(there, id, manifest, {});
  } else if (live.status != 404) {
    refuse(live, "cannot read " + id.str());
  }
  const auto response =
      answered(apply_request(manifest, request_.owner, *policy_, {}, false), "cannot create " + id.str());
  return receipt_of(parse_go_json(response.body, id.str()), id, manifest, {});
}

/// False where what is there is of this run.
bool ObjectApplier::make_room(const Step& step, const Id& id, const Value& there, const std::string& run) {
  const auto owner = owner_of(there, id);
  const std::string uid = text_at(there, "/metadata/uid");
  const bool marked = owner && *owner == request_.owner;
  if (!marked && (owner || uid != Precondition::parse(step.precondition).uid))
    throw StaleObject(id.str() + " was made by somebody else meanwhile");
  const Value* metadata = there.find("metadata");
  const Value* annotations = metadata ? metadata->find("annotations") : nullptr;
  const bool going = there.at_pointer("/metadata/deletionTimestamp") != nullptr;
  if (!going && annotations && annotations->get_string(kHookRun) == run) return false;
  if (holds_data(id.type) && !going) return true;  // applied onto what is there: it is worth more than a run
  Precondition old;
  old.uid = uid;
  remove(id, old);
  return true;
}

/// With the version that was planned on as the guard. Where only what the server or controllers keep has
/// moved it meanwhile, the newer version guards instead.
HttpResponse ObjectApplier::write_as_planned(const Id& id, const Manifest& manifest,
                                             const Precondition& precondition) {
  std::string version = precondition.resource_version;
  for (int tries = 0;; ++tries) {
    auto response =
        state_.cluster.http().send(apply_request(manifest, request_.owner, *policy_, version, false));
    if (response.status == 200 || response.status == 201) return response;
    const bool moved = response.status == 409 && !has_cause(status_of(response), "FieldManagerConflict");
    if (!moved && !(response.status == 404 && !precondition.uid.empty()))
      refuse(response, "cannot apply " + id.str());
    const auto live = state_.cluster.http().send(read_request(*kinds_, id, manifest.version, *policy_));
    if (live.status == 404) throw StaleObject(id.str() + " has gone meanwhile");
    if (live.status != 200) refuse(live, "cannot read " + id.str());
    const auto now =
        Precondition::of(parse_go_json(live.body, id.str()), state_.digests, policy_->ignored(id));
    if (!now.same_content(precondition) || tries == 3) throw StaleObject(id.str() + " was changed meanwhile");
    version = now.resource_version;
  }
}

/// Of a Pod its resources alone, which an apply may not change; the apply that follows makes them ours again.
Precondition ObjectApplier::resize(const Id& id, const Manifest& manifest, const Precondition& planned) {
  const Ignored ignored = policy_->ignored(id);
  const auto read = read_request(*kinds_, id, manifest.version, *policy_);
  for (int tries = 0;; ++tries) {
    const Value live = parse_go_json(answered(read, "cannot read " + id.str()).body, id.str());
    const auto now = Precondition::of(live, state_.digests, ignored);
    if (!now.same_content(planned) || tries == 3) throw StaleObject(id.str() + " was changed meanwhile");
    Manifest sent = manifest;
    sent.object = LeftToOthers(ignored, live).left_out(manifest.object);
    const auto response =
        state_.cluster.http().send(resize_request(sent, *policy_, now.resource_version, false));
    if (response.status == 409) continue;  // its status was written
    if (response.status != 200) refuse(response, "cannot resize " + id.str());
    auto after = Precondition::of(parse_go_json(response.body, id.str()), state_.digests, ignored);
    after.take = planned.take;
    return after;
  }
}

/// Moves others' fields to our entry, so that the apply that follows removes those it does not name, and what
/// is left to others out of it and out of the manifest. Returns the object's version after it.
std::string ObjectApplier::prepare(const Id& id, Manifest& manifest, const Precondition& precondition) {
  const auto read = read_request(*kinds_, id, manifest.version, *policy_);
  const Value live = parse_go_json(answered(read, "cannot read " + id.str()).body, id.str());
  const Ignored ignored = policy_->ignored(id);
  const LeftToOthers left(ignored, live);
  const auto now = Precondition::of(live, state_.digests, ignored);
  if (!now.same_content(precondition)) throw StaleObject(id.str() + " was changed meanwhile");
  manifest.object = left.left_out(manifest.object);
  if (precondition.take.empty() && left.ours().empty()) return now.resource_version;
  HttpRequest request = read;
  request.method = "PATCH";
  request.path += std::string("?fieldManager=") + kManager;
  request.content_type = "application/json-patch+json";
  const auto replace = [](const char* path, Value value) {
    return Value::object({{"op", "replace"}, {"path", path}, {"value", std::move(value)}});
  };
  request.body = to_json(Value(
      Value::Array{replace("/metadata/resourceVersion", now.resource_version),
                   replace("/metadata/managedFields", left.released(moved_to_us(live, precondition.take)))}));
  const Value after = parse_go_json(
      answered(std::move(request), "cannot change who manages fields of " + id.str()).body, id.str());
  return after.at_pointer("/metadata/resourceVersion")->as_string();
}

/// Somebody may have put something into it since it was planned, or taken it out. What an earlier wave
/// deleted has gone, or is about to.
void ObjectApplier::check_contents(const Id& id, const Precondition& planned) {
  const auto live = state_.cluster.http().send(read_request(*kinds_, id, {}, *policy_));
  if (live.status == 404) return;
  if (live.status != 200) refuse(live, "cannot read " + id.str());
  const Value object = parse_go_json(live.body, id.str());
  if (is_going(object)) return;
  const auto contents = contents_of(state_.cluster, *policy_, id, object, {});
  const bool may = policy_->deletes_foreign(id.type);
  const bool refused = !may && !contents.none();
  if (refused != planned.refused || (may && contents.has_more_than(planned.holds)))
    throw StaleObject("what " + id.str() + " holds has changed meanwhile");
  if (!refused) return;
  protocol::WireProblem problem;
  problem.cause = ProblemCause::conflict;
  problem.code = "apply";
  problem.message = "not deleted: " + contents.text();
  problem.hint = contents.way_out(id.type);
  throw Refused{std::move(problem)};
}

void ObjectApplier::remove(const Id& id, const Precondition& precondition, std::chrono::seconds patience) {
  if (precondition.uid.empty()) return;
  const auto read = read_request(*kinds_, id, {}, *policy_);
  const std::string propagation = precondition.propagation.empty() ? "Background" : precondition.propagation;
  HttpRequest request = read;
  make_deletion(request, precondition.uid, propagation);
  const auto response = state_.cluster.http().send(std::move(request));
  if (response.status == 404) return;
  if (response.status == 409) throw StaleObject(id.str() + " was made anew meanwhile");
  if (response.status != 200 && response.status != 202) refuse(response, "cannot delete " + id.str());
  wait_until_gone(id, read, precondition.uid, patience);
}

/// It leaves the inventory only when the cluster confirms it gone.
void ObjectApplier::wait_until_gone(const Id& id, const HttpRequest& read, const std::string& uid,
                                    std::chrono::seconds patience) {
  const auto until = Monotonic::now() + patience;
  const auto gone = [&] {
    const auto live = state_.cluster.http().send(read);
    if (live.status == 404) return true;
    if (live.status != 200) return false;
    const Value object = parse_go_json(live.body, id.str());
    if (text_at(object, "/metadata/uid") != uid) return true;
    if (Monotonic::now() < until) return false;
    protocol::WireProblem problem;
    problem.cause = ProblemCause::transient;
    problem.code = "going";
    problem.message = id.str() + " " + going_text(object);
    problem.hint = "it goes when whoever holds it is done";
    throw Refused{std::move(problem)};
  };
  poll(id.str() + " is not gone yet", gone);
}

}  // namespace

protocol::ApplyResult apply(State& state, const protocol::ApplyRequest& request,
                            protocol::CallContext& context, const protocol::ProgressSink& progress) {
  return ObjectApplier(state, request, context, progress).run();
}

}  // namespace gitopsd::kubernetes
