#include "providers/aws/drift_detection.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/timestamp.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstDetectionLook = 200ms, kSlowestDetectionLook = 10'000ms;
constexpr auto kDetectionTakes = 20min;
constexpr std::chrono::seconds kLongestRest = 24h;
/// A stack that nobody has asked for in so long: its application may be gone.
constexpr std::chrono::minutes kWantedFor = 1h, kAskerTakes = 10min;
constexpr int kMostDoublings = 12;
constexpr std::size_t kLongestValue = 80, kLongestReason = 600;
constexpr std::size_t kMostStacksInOne = 100;

/// An operation has begun on what is looked at, or nobody wants to know any more.
struct CutShort {};

/// Of this stack alone, and not of what can be detected there.
bool is_about_stack(const ApiError* error) {
  return error && error->code() == "ValidationError";
}

bool is_gone(const ApiError* error) {
  return is_about_stack(error) && error->said().find("does not exist") != std::string::npos;
}

std::string key_of(const std::string& region) {
  return "drift-detection" + (region.empty() ? "" : " " + region);
}

std::string shown(const std::string& value) {
  return value.empty() ? "(none)" : value;
}

std::string shortened(const std::string& value) {
  return value.size() <= kLongestValue ? shown(value) : value.substr(0, kLongestValue) + "...";
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : between) + text;
  return out;
}

/// What is not known to be as it was applied, where that is news.
void say_uncompared(const DriftSubject& subject, const DriftReport& report,
                    const std::optional<DriftReport>& before) {
  if (!report.unchecked.empty() && (!before || before->unchecked != report.unchecked))
    log::info("drift detection does not know some types, and does not compare them",
              {{"resource", subject.resource.str()}, {"types", joined(report.unchecked, " ")}});
  const bool partial = !report.unknown.empty() || !report.trouble.empty();
  // The reason may be another each time, by the ids of requests in it.
  if (partial &&
      (!before || before->unknown != report.unknown || before->trouble.empty() != report.trouble.empty()))
    log::warning("drift detection could not compare some resources",
                 {{"resource", subject.resource.str()},
                  {"resources", joined(report.unknown, ", ")},
                  {"reason", report.trouble}});
}

/// A resource that is not there: nothing of it can be lost. AWS says no more of it than its drift status.
/// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
bool makes_again(const ResourceChange& change) {
  return change.action == "Add" || (change.action == "Modify" && change.drift == "DELETED");
}

/// Whether it changes for nothing but that one of these gets another id.
bool follows(const ResourceChange& change, const std::set<std::string>& deleted) {
  return change.action == "Modify" && !change.properties.empty() &&
         std::all_of(change.properties.begin(), change.properties.end(), [&](const PropertyChange& property) {
           return deleted.contains(property.cause.substr(0, property.cause.find('.')));
         });
}

struct NestedPlace {
  std::string stack, path;  ///< its id, and what its resources' logical ids begin with
};
struct Findings {
  DriftReport report;
  std::set<std::string> unchecked, unknown;
  std::vector<NestedPlace> stacks;  ///< to be looked at
};

/// Of one stack.
void take(Findings& found, const std::string& path, std::vector<ResourceDrift> drifts,
          const std::vector<StackResource>& resources) {
  for (auto& drift : drifts) {
    drift.logical_id.insert(0, path);
    found.report.drifted.push_back(std::move(drift));
  }
  for (const auto& one : resources) {
    if (one.type == kNestedStack && !one.physical_id.empty() && found.stacks.size() < kMostStacksInOne)
      found.stacks.push_back({one.physical_id, path + one.logical_id + "/"});
    else if (one.type == kNestedStack)
      found.unchecked.insert(path + one.logical_id);
    else if (one.drift == "NOT_CHECKED" || one.drift == "UNSUPPORTED")
      found.unchecked.insert(one.type);
    else if (one.drift == "UNKNOWN")
      found.unknown.insert(path + one.logical_id + " (" + one.type + ")");
  }
}

bool is_of_nested(const ResourceDrift& drift) {
  return drift.logical_id.find('/') != std::string::npos;
}

}  // namespace

std::string drift_text(const DriftReport& report) {
  std::string text;
  for (const auto& one : report.drifted) {
    text += std::string(one.status == "DELETED" ? "- " : "~ ") + one.logical_id + " (" + one.type + ")";
    if (!one.physical_id.empty()) text += " " + one.physical_id;
    if (one.status == "DELETED") text += " is not there any more";
    text += "\n";
    for (const auto& difference : one.differences)
      text += "    " + difference.path + ": applied " + shown(difference.expected) + ", found " +
              shown(difference.actual) + "\n";
  }
  if (!report.unchecked.empty())
    text += "not compared, since drift detection does not know them: " + joined(report.unchecked, " ") + "\n";
  if (!report.unknown.empty()) text += "could not be compared: " + joined(report.unknown, ", ") + "\n";
  return text;
}

std::string drift_reason(const DriftReport& report) {
  std::string text;
  for (const auto& one : report.drifted) {
    text += (text.empty() ? "" : "; ") + one.logical_id + " (" + one.type + ")";
    if (one.status == "DELETED") text += " is not there any more";
    for (const auto& difference : one.differences)
      text += " " + difference.path + " is " + shortened(difference.actual) + ", applied was " +
              shortened(difference.expected);
    if (text.size() > kLongestReason) return text + "; and more";
  }
  return text;
}

std::string why_not(const ChangeSet& set, const DriftReport& report) {
  std::set<std::string> drifted, deleted;
  for (const auto& one : report.drifted) {
    drifted.insert(one.logical_id);
    if (one.status == "DELETED") deleted.insert(one.logical_id);
  }
  if (set.changes.empty()) return "CloudFormation finds nothing to put back";
  for (const auto& change : set.changes) {
    const std::string what = change.logical_id + " (" + change.type + ")";
    if (deleted.contains(change.logical_id) && makes_again(change)) continue;
    if (change.action == "Add") return "it would make " + what + ", which is not known to be deleted";
    if (change.replaces()) return "it would replace " + what;
    if (change.action == "Remove") return "it would delete " + what;
    if (change.action == "Dynamic") return "what it would do with " + what + " is not known";
    if (change.action == "SyncWithActual") continue;  // touches nothing
    if (!drifted.contains(change.logical_id) && !follows(change, deleted))
      return "it would change " + what + ", which is not known to have drifted";
  }
  return {};
}

std::string out_of_reach(const DriftReport& report) {
  std::vector<std::string> nested;
  for (const auto& one : report.drifted) {
    if (!is_of_nested(one)) return {};
    nested.push_back(one.logical_id);
  }
  return "CloudFormation has no drift-aware change sets of nested stacks (" + joined(nested, ", ") + ")";
}

DriftDetection::~DriftDetection() {
  thread_.request_stop();
  woken_.notify_all();
}

void DriftDetection::want(const DriftSubject& subject) {
  const std::lock_guard lock(mutex_);
  auto [at, fresh] = entries_.try_emplace(subject.stack);
  Entry& entry = at->second;
  const bool sooner = !fresh && subject.every < entry.subject.every;
  if (fresh || sooner) entry.due = first_due(subject);
  entry.subject = subject;
  entry.wanted = clock_.monotonic();
  entry.asked.reset();
  entry.rests = false;
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  news_ = true;
  woken_.notify_all();
}

/// By AWS's clock and this one's, which may be wrong: never later than a stack that has just been looked at.
Monotonic::time_point DriftDetection::first_due(const DriftSubject& subject) const {
  const auto now = clock_.monotonic();
  const auto checked = parse_rfc3339(subject.checked);
  if (!checked) return now;
  const auto ago = std::chrono::microseconds(clock_.wall() - *checked);
  return now + std::clamp<std::chrono::microseconds>(subject.every - ago, 0us, subject.every);
}

void DriftDetection::forget(const std::string& stack) {
  const std::lock_guard lock(mutex_);
  entries_.erase(stack);
}

void DriftDetection::rest(const std::string& stack) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(stack); found != entries_.end()) found->second.rests = true;
}

std::optional<DriftReport> DriftDetection::report(const std::string& stack,
                                                  const std::string& updated) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(stack);
  if (found == entries_.end() || !found->second.report || found->second.report->updated != updated)
    return std::nullopt;
  return found->second.report;
}

void DriftDetection::refuse(const std::string& stack, const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(stack); found != entries_.end() && found->second.report)
    found->second.report->refused = why;
}

/// Nobody says that an application is gone; who looks seldom, or never by himself, is asked to.
void DriftDetection::forget_unwanted(Monotonic::time_point now) {
  for (auto& [id, entry] : entries_) {
    if (entry.asked || now - entry.wanted < kWantedFor) continue;
    entry.asked = now;
    notifier_->changed({entry.subject.application, {entry.subject.resource}, false});
  }
  std::erase_if(entries_, [now](const auto& one) {
    return one.second.asked && now - *one.second.asked >= kAskerTakes;
  });
}

/// The one that has waited longest; `earliest`: when to ask again where there is none.
std::optional<DriftSubject> DriftDetection::next(Monotonic::time_point now, Monotonic::time_point& earliest) {
  forget_unwanted(now);
  const Entry* first = nullptr;
  earliest = now + kLongestRest;
  for (const auto& [id, entry] : entries_) {
    if (entry.rests) continue;
    const auto due =
        entry.asked ? *entry.asked + kAskerTakes : std::max(entry.due, troubles_[entry.subject.region].until);
    earliest = std::min(earliest, due);
    if (due <= now && (!first || entry.due < first->due)) first = &entry;
  }
  return first ? std::optional(first->subject) : std::nullopt;
}

void DriftDetection::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::optional<DriftSubject> subject;
    {
      std::unique_lock lock(mutex_);
      Monotonic::time_point earliest;
      const auto now = clock_.monotonic();
      subject = next(now, earliest);
      if (!subject) {
        woken_.wait_for(lock, stop, std::max<Monotonic::duration>(earliest - now, 1ms),
                        [this] { return std::exchange(news_, false); });
        continue;
      }
    }
    detect(*subject, stop);
  }
}

void DriftDetection::wait(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::mutex own;
  std::unique_lock lock(own);
  std::condition_variable_any never;
  never.wait_for(lock, stop, time, [] { return false; });
}

/// Why some resources could not be compared; what was found of the others holds.
std::string DriftDetection::await(CloudFormation& there, const std::string& stack,
                                  const std::stop_token& stop) {
  const Cancelled cancelled = [&stop] { return stop.stop_requested(); };
  const std::string id = there.detect_drift(stack, cancelled);
  const auto until = Monotonic::now() + kDetectionTakes;
  for (std::chrono::milliseconds pause = kFirstDetectionLook;;
       pause = std::min(pause * 2, kSlowestDetectionLook)) {
    const auto at = there.drift_detection(id, cancelled);
    if (at.status == "DETECTION_FAILED") return at.reason;
    if (at.status != "DETECTION_IN_PROGRESS") return {};
    if (stop.stop_requested() || Monotonic::now() > until)
      throw fail(ProblemCause::transient, "CloudFormation has not detected drift in time");
    wait(stop, pause);
  }
}

bool DriftDetection::is_wanted(const std::string& stack) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(stack);
  return found != entries_.end() && !found->second.rests;
}

DriftReport DriftDetection::look(const DriftSubject& subject, const std::stop_token& stop) {
  CloudFormation& there = region_(subject.region);
  const Cancelled cancelled = [&stop] { return stop.stop_requested(); };
  Findings found;
  found.stacks.push_back({subject.stack, ""});
  for (std::size_t i = 0; i < found.stacks.size(); ++i) {
    const auto [stack, path] = found.stacks[i];
    if (!is_wanted(subject.stack)) throw CutShort{};
    try {
      const std::string trouble = await(there, stack, stop);
      if (!trouble.empty()) found.report.trouble += (found.report.trouble.empty() ? "" : "; ") + trouble;
    } catch (const ApiError& error) {
      if (path.empty() || !is_about_stack(&error)) throw;
      found.unchecked.insert(path.substr(0, path.size() - 1));
      log::warning("drift of a nested stack cannot be detected",
                   {{"resource", subject.resource.str()}, {"stack", stack}, {"reason", error.said()}});
      continue;
    }
    take(found, path, there.drifts(stack, cancelled), there.resources(stack, cancelled));
  }
  found.report.updated = subject.updated;
  found.report.unchecked.assign(found.unchecked.begin(), found.unchecked.end());
  found.report.unknown.assign(found.unknown.begin(), found.unknown.end());
  return std::move(found.report);
}

void DriftDetection::detect(const DriftSubject& subject, const std::stop_token& stop) {
  std::optional<DriftReport> report;
  try {
    report = look(subject, stop);
    worked(subject.region);
  } catch (const CutShort&) {
    return;
  } catch (const Failure& failure) {
    if (stop.stop_requested()) return;
    const auto* error = dynamic_cast<const ApiError*>(&failure);
    if (is_gone(error)) return forget(subject.stack);
    if (!is_about_stack(error)) failed(subject, failure);
  }
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(subject.stack);
  if (found == entries_.end()) return;
  found->second.due = clock_.monotonic() + found->second.subject.every;
  if (!report) return;
  say_uncompared(subject, *report, found->second.report);
  const bool told = found->second.report && !found->second.report->drifted.empty();
  const bool matters = told || !report->drifted.empty();
  found->second.report = std::move(report);
  if (matters) notifier_->changed({subject.application, {subject.resource}, false});
}

void DriftDetection::failed(const DriftSubject& subject, const Failure& failure) {
  const std::lock_guard lock(mutex_);
  auto& trouble = troubles_[subject.region];
  const int doublings = std::min(trouble.failures++, kMostDoublings);
  trouble.until = clock_.monotonic() + std::min(subject.every * (1 << doublings), kLongestRest);
  notifier_->condition(
      {key_of(subject.region),
       "CloudFormation detects no drift of resources here: " + failure.problems().front().message,
       failure.problems().front().hint.empty() ? "look at the endpoint, or switch `driftDetection` off"
                                               : failure.problems().front().hint,
       false,
       {}});
}

void DriftDetection::worked(const std::string& region) {
  const std::lock_guard lock(mutex_);
  auto& trouble = troubles_[region];
  if (trouble.failures == 0) return;
  trouble = {};
  notifier_->condition({key_of(region), {}, {}, false, {}});
}

}  // namespace gitopsd::aws
