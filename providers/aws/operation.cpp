#include "providers/aws/operation.h"

#include <algorithm>
#include <map>

namespace gitopsd::aws {
namespace {

/// Beyond these only their number is told.
constexpr std::size_t kMostNamed = 8;

/// What was cancelled for another's sake is no cause.
bool is_cause(const StackEvent& event) {
  return event.status.ends_with("_FAILED") && event.reason.find("cancelled") == std::string::npos;
}

std::string with_type(const StackEvent& event) {
  return named(event.resource, event.type, {});
}

/// "A; B; and 2 more"
std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (std::size_t i = 0; i < std::min(texts.size(), kMostNamed); ++i) out += (i ? "; " : "") + texts[i];
  if (texts.size() > kMostNamed) out += "; and " + std::to_string(texts.size() - kMostNamed) + " more";
  return out;
}

}  // namespace

const StackEvent* first_cause(const std::vector<StackEvent>& events) {
  auto cause = std::find_if(events.rbegin(), events.rend(),
                            [](const StackEvent& event) { return !event.of_stack && is_cause(event); });
  if (cause == events.rend()) cause = std::find_if(events.rbegin(), events.rend(), is_cause);
  return cause == events.rend() ? nullptr : &*cause;
}

std::string reason_of(const StackEvent& cause, const std::vector<StackEvent>& events) {
  std::string out = cause.reason;
  for (const auto& event : events)
    if (event.resource == cause.resource && !event.hook_reason.empty() && out.find(event.hook) != out.npos &&
        out.find(event.hook_reason) == out.npos)
      out += "; " + event.hook + ": " + event.hook_reason;
  return out;
}

bool has_come_to(const std::string& status, const std::string& token, const std::vector<StackEvent>& events) {
  const auto last =
      std::find_if(events.begin(), events.end(), [](const StackEvent& event) { return event.of_stack; });
  return last != events.end() && last->token == token && last->status == status;
}

std::string named(const std::string& logical_id, const std::string& type, const std::string& place) {
  return logical_id + (type.empty() ? "" : " (" + type + ")") + (place.empty() ? "" : " at " + place);
}

std::string first_failure(const std::vector<StackEvent>& events, const PlaceOf& place_of,
                          const std::string& in) {
  const StackEvent* cause = first_cause(events);
  if (!cause) return {};
  const std::string id = in + cause->resource;
  return named(id, cause->type, place_of ? place_of(id) : std::string()) + ": " + reason_of(*cause, events);
}

std::string progress_text(const std::vector<StackEvent>& events) {
  std::vector<std::string> failed, going;
  std::size_t done = 0;
  std::map<std::string, bool> seen;
  for (const auto& event : events) {  // the newest of each resource tells what it is at
    if (event.of_stack || !seen.emplace(event.resource, true).second) continue;
    if (event.status.ends_with("_IN_PROGRESS"))
      going.push_back(with_type(event) + " " + event.status +
                      (event.reason.empty() ? "" : ": " + event.reason));
    else if (!event.status.ends_with("_FAILED"))
      ++done;
  }
  for (auto event = events.rbegin(); event != events.rend(); ++event)
    if (!event->of_stack && is_cause(*event))
      failed.push_back(with_type(*event) + " " + event->status + ": " + event->reason);
  std::reverse(going.begin(), going.end());  // what began first
  failed.insert(failed.end(), going.begin(), going.end());
  std::string out = joined(failed);
  if (done > 0) out += (out.empty() ? "" : "; ") + std::to_string(done) + " done";
  return out;
}

}  // namespace gitopsd::aws
