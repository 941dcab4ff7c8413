// The provider of a Place.
#include <algorithm>

#include "base/json.h"
#include "tests/unit/sync/place.h"

namespace gitopsd::sync::test {

using protocol::Action;

namespace {

std::string value_of(const protocol::Document& document) {
  const Value* spec = document.json.find("spec");
  std::string value = spec ? spec->get_string("value") : std::string();
  for (const auto& blob : document.blobs) value += "+" + blob.path + "=" + blob.blob.digest.substr(0, 8);
  return value;
}

int wave_of(const protocol::Document& document) {
  const Value* spec = document.json.find("spec");
  return spec ? static_cast<int>(spec->get_int("wave")) : 0;
}

/// "hook: pre post" of its spec.
std::vector<protocol::Hook> hooks_of(const protocol::Document& document) {
  const Value* spec = document.json.find("spec");
  const std::string words = spec ? spec->get_string("hook") : std::string();
  std::vector<protocol::Hook> hooks;
  for (const auto time :
       {protocol::Hook::pre, protocol::Hook::sync, protocol::Hook::post, protocol::Hook::fail})
    if (words.find(to_string(time)) != std::string::npos) hooks.push_back(time);
  return hooks;
}

protocol::Step run_of(const protocol::Resource& resource, const protocol::Document& document,
                      protocol::Hook time) {
  protocol::Step step;
  step.key = "run " + std::string(to_string(time)) + " " + resource.id.str();
  step.id = resource.id;
  step.digest = resource.document;
  step.wave = wave_of(document);
  step.action = Action::run;
  step.hook = time;
  return step;
}

/// By its mark, or that of the one who handed it over.
bool is_of(const Place::Thing& thing, const protocol::Owner& owner, const std::string& from) {
  return thing.owner.empty() || thing.owner == owner.application || (!from.empty() && thing.owner == from);
}

}  // namespace

class PlaceProvider : public Provider {
 public:
  PlaceProvider(Place& place, config::Destination destination)
      : place_(place), destination_(std::move(destination)) {}

  const DestinationName& destination() const override { return destination_.name; }
  template <class Request>
  void weigh(const Request& request) {
    const std::size_t bytes = to_json(encode(request)).size();
    if (bytes > place_.largest_call_) place_.largest_call_ = bytes;
  }
  void expect_meant() const {
    if (ended_) throw fail(ProblemCause::transient, "its provider ends: the settings have changed");
    if (const auto another = place_.another())
      throw fail(ProblemCause::transient, another->message, another->hint);
  }
  protocol::InitializeResult info() override {
    protocol::InitializeResult info;
    info.name = "place";
    info.render_context_digest = render_context_digest();
    if (place_.independent_) info.features = {"independent"};
    return info;
  }
  std::string render_context_digest() override {
    std::lock_guard lock(place_.mutex_);
    if (place_.stopped_) throw fail(ProblemCause::transient, "its provider is not running");
    return place_.context_;
  }
  bool connected() const override { return true; }
  std::uint64_t generation() const override { return 1; }
  std::vector<ToldCondition> conditions() const override { return place_.conditions_.all(); }
  std::optional<std::string> identity() const override {
    std::lock_guard lock(place_.mutex_);
    return place_.identity_;
  }
  void reconnect() override { place_.meet(); }

  protocol::ResolveResult resolve(const protocol::ResolveRequest& request, BlobSource*, Deadline) override {
    expect_meant();
    protocol::ResolveResult result;
    ++place_.resolves_;
    weigh(request);
    const auto text = [](const protocol::Document& document, const std::string& key) {
      const Value* spec = document.json.find("spec");
      return spec ? spec->get_string(key) : std::string();
    };
    std::set<std::string> defined;
    for (const Value& other : request.defined) defined.insert(other.as_string());
    for (const auto& document : request.documents)
      if (const auto word = text(document, "defines"); !word.empty()) {
        defined.insert(word);
        result.defines.emplace_back(word);
      }
    for (const auto& document : request.documents) {
      if (const auto word = text(document, "of"); !word.empty() && !defined.contains(word)) {
        protocol::WireProblem problem;
        problem.code = protocol::kUndefined;
        problem.message = "nobody defines " + word;
        problem.cause = ProblemCause::input;
        problem.document = document.digest;
        problem.pointer = "/spec/of";
        result.problems.push_back(std::move(problem));
        continue;
      }
      const auto& name = *document.json.find("metadata");
      const Value* spec = document.json.find("spec");
      const std::string file = spec ? spec->get_string("file") : std::string();
      if (!file.empty() && document.blobs.empty()) {
        result.needs.push_back({document.digest, file});
        continue;
      }
      protocol::Resource resource;
      resource.kind = "Thing";
      resource.name = name.get_string("name");
      resource.id = ResourceId(resource.name);
      resource.document = document.digest;
      resource.hooks = hooks_of(document);
      if (const auto other = text(document, "requires"); !other.empty())
        resource.requires_.emplace_back(other);
      if (spec && spec->get_string("drift") == "report") resource.options.drift = protocol::Drift::report;
      result.resources.push_back(std::move(resource));
    }
    return result;
  }

  protocol::PlanResult plan(const protocol::PlanRequest& request, BlobSource*, Deadline deadline) override {
    expect_meant();
    weigh(request);
    std::lock_guard lock(place_.mutex_);
    const std::chrono::milliseconds time(request.deadline_ms);
    const auto waits = std::chrono::ceil<std::chrono::milliseconds>(deadline - Monotonic::now());
    place_.longest_plan_ = std::max(place_.longest_plan_, time);
    place_.least_patience_ = std::min(place_.least_patience_, waits - time);
    if (place_.broken_) throw fail(ProblemCause::transient, "the provider died");
    std::map<std::string, const protocol::Document*> documents;
    for (const auto& d : request.documents) documents.emplace(d.digest, &d);
    protocol::PlanResult result;
    std::map<ResourceId, std::string> from;
    for (const auto& entry : request.entries) from.emplace(entry.id, entry.from);
    for (const auto& resource : request.upsert) {
      const std::string& id = resource.id.str();
      for (const auto time : resource.hooks)
        result.steps.push_back(run_of(resource, *documents.at(resource.document), time));
      if (!resource.hooks.empty()) continue;
      if (const auto refused = place_.no_plan_.find(id); refused != place_.no_plan_.end()) {
        protocol::WireProblem problem;
        problem.message = id + ": no plan";
        problem.cause = refused->second;
        problem.id = id;
        result.problems.push_back(std::move(problem));
        continue;
      }
      const std::string wanted = value_of(*documents.at(resource.document));
      const auto live = place_.things_.find(id);
      protocol::Step step;
      step.key = id;
      step.id = resource.id;
      step.digest = resource.document;
      step.wave = wave_of(*documents.at(resource.document));
      step.from = from[resource.id];
      if (live != place_.things_.end() && !is_of(live->second, request.owner, step.from)) {
        protocol::WireProblem problem;
        problem.message = id + " belongs to application '" + live->second.owner + "'";
        problem.cause = ProblemCause::conflict;
        problem.id = id;
        problem.owner = live->second.owner;
        result.problems.push_back(std::move(problem));
        continue;
      }
      if (const Value* spec = documents.at(resource.document)->json.find("spec")) {
        step.group = spec->get_string("group");
        const std::string awaited = spec->get_string("awaits");
        step.provisional = !awaited.empty() && !place_.things_.contains(awaited);
      }
      if (live == place_.things_.end()) {
        step.action = Action::create;
      } else if (live->second.value != wanted || place_.never_content_.contains(id)) {
        step.action = Action::update;
        step.diff = "-value: " + (place_.never_content_.contains(id) ? "?" : live->second.value) +
                    "\n+value: " + wanted + "\n";
      } else if (live->second.owner != request.owner.application) {
        step.action = Action::adopt;
      }
      result.steps.push_back(std::move(step));
    }
    for (const auto& id : request.remove) {
      protocol::Step step;
      if (place_.independent_) step.wave = 9;  // what goes, goes last
      step.key = id.str();
      step.id = id;
      step.from = from[id];
      step.action = Action::remove;
      result.steps.push_back(std::move(step));
    }
    if (place_.leaves_plans_) {
      result.discard = "plan " + std::to_string(++place_.plans_);
      place_.left_plans_.insert(result.discard);
    }
    return result;
  }
  void discard(const std::string& token, Deadline) override {
    std::lock_guard lock(place_.mutex_);
    place_.left_plans_.erase(token);
  }

  protocol::ApplyResult apply(const protocol::ApplyRequest& request, BlobSource*,
                              std::function<void(const protocol::Progress&)>, Deadline) override {
    expect_meant();
    weigh(request);
    std::unique_lock lock(place_.mutex_);
    place_.most_at_once_ = std::max(place_.most_at_once_, ++place_.waiting_);
    place_.changed_.notify_all();
    place_.changed_.wait(lock, [&] { return !place_.shut_; });
    --place_.waiting_;
    ++place_.applies_;
    std::map<std::string, const protocol::Document*> documents;
    for (const auto& d : request.documents) documents.emplace(d.digest, &d);
    protocol::ApplyResult result;
    result.outcome = protocol::ApplyOutcome::done;
    for (const auto& step : request.steps) {
      const std::string& id = step.id.str();
      protocol::StepResult told;
      told.key = step.key;
      told.state = protocol::StepState::done;
      if (step.provisional) throw fail(ProblemCause::internal, "a provisional step is to be applied");
      if (const auto refused = place_.refused_.find(id); refused != place_.refused_.end()) {
        told.state = protocol::StepState::failed;
        told.problem.emplace();
        told.problem->message = "refused";
        told.problem->cause = refused->second;
        result.outcome = protocol::ApplyOutcome::failed;
      } else if (step.hook != protocol::Hook::none &&
                 !place_.begun_.insert(request.sync + " " + step.key).second) {
        told.receipt = place_.things_[id].value;  // this very run was begun before
        result.steps.push_back(std::move(told));
        continue;
      } else if (step.action == Action::remove) {
        const auto live = place_.things_.find(id);
        if (live != place_.things_.end() && is_of(live->second, request.owner, step.from))
          place_.things_.erase(live);
      } else {
        if (!place_.things_.contains(id)) ++place_.births_[id];
        told.receipt = value_of(*documents.at(step.digest));
        place_.things_[id] = {told.receipt, request.owner.application};
      }
      if (step.action != Action::none && !told.problem) {
        ++place_.changes_[id];
        place_.order_.push_back(step.hook == protocol::Hook::none ? id : step.key);
      }
      result.steps.push_back(std::move(told));
    }
    return result;
  }

  protocol::ObserveResult observe(const protocol::ObserveRequest& request, BlobSource*, Deadline) override {
    expect_meant();
    std::lock_guard lock(place_.mutex_);
    if (place_.stopped_) {
      ++place_.failed_looks_;
      throw fail(ProblemCause::transient, "its provider is not running");
    }
    protocol::ObserveResult result;
    for (const auto& entry : request.entries) {
      const std::string& id = entry.id.str();
      protocol::Observation seen;
      seen.id = entry.id;
      seen.health = protocol::Health::healthy;
      if (const auto it = place_.health_.find(id); it != place_.health_.end()) seen.health = it->second;
      const auto live = place_.things_.find(id);
      seen.live = live == place_.things_.end() ? protocol::Live::absent : protocol::Live::ours;
      if (place_.occupied_.contains(id)) seen.live = protocol::Live::foreign;
      if (place_.hidden_.contains(id)) seen.live = protocol::Live::unknown;
      const bool marked = live != place_.things_.end() &&
                          (live->second.owner.empty() || live->second.owner == request.owner.application);
      if (live != place_.things_.end() && !is_of(live->second, request.owner, entry.from))
        seen.live = protocol::Live::foreign;
      const bool same = marked && entry.owned && live->second.value == entry.owned->receipt;
      seen.drift =
          same && !place_.always_drifted_.contains(id) ? protocol::DriftState::no : protocol::DriftState::yes;
      if (const auto it = place_.waits_.find(id); it != place_.waits_.end()) {
        const auto& [on, by] = it->second;
        seen.on = on;
        if (!on.empty()) seen.waits = on + " to be gone";
        if (!on.empty()) seen.drift = protocol::DriftState::yes;
        if (seen.drift == protocol::DriftState::yes) seen.by = by;
        if (!seen.by.empty()) seen.at = "2026-01-01T00:00:00Z";
      }
      result.observations.push_back(std::move(seen));
    }
    return result;
  }

  protocol::ListResult list(const protocol::ListRequest&, Deadline) override { return {}; }
  void cancel(const std::string&) override {}
  void shutdown(Deadline) override {
    ended_ = true;
    place_.open();  // a step that has begun ends
  }

 private:
  Place& place_;
  const config::Destination destination_;
  std::atomic<bool> ended_{false};
};

std::unique_ptr<Provider> Place::provider(const config::Destination& destination, Provider::Events events) {
  std::lock_guard lock(mutex_);
  listener_ = std::move(events.changed);
  context_listener_ = std::move(events.context);
  condition_listener_ = std::move(events.condition);
  judge_ = std::move(events.judge);
  return std::make_unique<PlaceProvider>(*this, destination);
}

}  // namespace gitopsd::sync::test
