#include "providers/kubernetes/watch.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/watch_line.h"

namespace gitopsd::kubernetes {
namespace {

std::optional<Value> object_in(const HttpResponse& response, const Id& id) try {
  if (response.status != 200) return std::nullopt;
  return parse_go_json(response.body, id.str());
} catch (const Failure&) {
  return std::nullopt;
}

}  // namespace

std::uint64_t version_number(const std::string& version) {
  std::uint64_t number = 0;
  std::from_chars(version.data(), version.data() + version.size(), number);
  return number;
}

void Watch::add(const Id& id, const std::string& application, const Receipt& receipt,
                const std::shared_ptr<const Policy>& policy) {
  std::optional<Seen> missed;
  std::optional<protocol::Condition> trouble;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_[id];
    known.application = application;
    known.policy = policy;
    const auto version = version_number(receipt.resource_version);
    if (known.receipt.uid != receipt.uid || version >= known.version) {
      known.receipt = receipt;
      known.version = version;
    }
    Line* line = line_of(id.type, id.space);
    if (!line) return start_line(id, policy);
    if (line->trouble && !line->troubled.contains(application)) trouble = trouble_of(*line);
    const auto seen = line->seen.find(id.name);
    if (line->complete && seen != line->seen.end() && seen->second.version > known.version)
      missed = seen->second;
  }
  if (trouble) troubled_(*trouble);
  if (missed) judge(id, std::move(*missed));
}

void Watch::remove(const Id& id) {
  std::optional<protocol::Condition> passed;
  {
    const std::lock_guard lock(mutex_);
    known_.erase(id);
    passed = end_line(id);
  }
  if (passed) troubled_(*passed);
}

/// With the mutex.
Watch::Line* Watch::line_of(const GroupKind& type, const std::string& space) const {
  const auto it = lines_.find({type, space});
  return it == lines_.end() ? nullptr : it->second.get();
}

/// With the mutex.
std::vector<std::pair<Id, Watch::Known*>> Watch::known_of(const Line& line) {
  std::vector<std::pair<Id, Known*>> out;
  for (auto it = known_.lower_bound({line.type, line.space, {}});
       it != known_.end() && it->first.type == line.type && it->first.space == line.space; ++it)
    out.emplace_back(it->first, &it->second);
  return out;
}

/// With the mutex.
bool Watch::knows_any(const GroupKind& type, const std::string& space) const {
  const auto it = known_.lower_bound({type, space, {}});
  return it != known_.end() && it->first.type == type && it->first.space == space;
}

bool Watch::await_seen(const GroupKind& type, const std::string& space, Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto line = [&] { return line_of(type, space); };
  wake_.wait_until(lock, deadline,
                   [&] { return stopping_ || !line() || line()->current || line()->failing; });
  return line() && line()->current;
}

Watch::View Watch::view(const Id& id, const Receipt& receipt) const {
  const std::lock_guard lock(mutex_);
  const Line* line = line_of(id.type, id.space);
  const auto known = known_.find(id);
  if (!line || !line->current || known == known_.end() || writes_.contains(id)) return View::unknown;
  const auto seen = line->seen.find(id.name);
  if (seen == line->seen.end()) return View::gone;
  const Known& k = known->second;
  const bool as_told =
      k.receipt.uid == receipt.uid && k.receipt.entry == receipt.entry && k.receipt.owned == receipt.owned;
  const bool same = as_told && seen->second.uid == receipt.uid && seen->second.version <= k.version &&
                    !seen->second.going && !k.unsure;
  return same ? View::same : View::unknown;
}

std::optional<Receipt> Watch::receipt(const Id& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  if (it == known_.end()) return std::nullopt;
  return it->second.receipt;
}

bool Watch::moved_since(const Id& id, Monotonic::time_point then) const {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  return it != known_.end() && it->second.moved >= then;
}

void Watch::judged(const Id& id, const std::string& resource_version, const Judgement& health) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  if (it == known_.end()) return;
  it->second.health = health;
  it->second.health_version = version_number(resource_version);
}

std::optional<Judgement> Watch::health(const Id& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  const Line* line = line_of(id.type, id.space);
  if (it == known_.end() || !it->second.health || !line || !line->current) return std::nullopt;
  const auto seen = line->seen.find(id.name);
  if (seen == line->seen.end() || seen->second.version > it->second.health_version) return std::nullopt;
  return it->second.health;
}

Watch::Writing::Writing(Watch& watch, Id id) : watch_(watch), id_(std::move(id)) {
  const std::lock_guard lock(watch_.mutex_);
  ++watch_.writes_[id_].count;
}

Watch::Writing::~Writing() {
  std::optional<Seen> held;
  {
    const std::lock_guard lock(watch_.mutex_);
    const auto it = watch_.writes_.find(id_);
    if (--it->second.count > 0) return;
    held = std::move(it->second.held);
    watch_.writes_.erase(it);
    if (const auto known = watch_.known_.find(id_); known != watch_.known_.end())
      known->second.moved = Monotonic::now();
  }
  if (held) watch_.judge(id_, std::move(*held));
}

void Watch::knows(const Id& id, const Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  if (it == known_.end()) return;
  const auto version = version_number(receipt.resource_version);
  if (version < it->second.version && receipt.uid == it->second.receipt.uid) return;
  it->second.receipt = receipt;
  it->second.version = version;
  it->second.unsure = false;
}

/// A list does not tell when something went.
Watch::Seen Watch::gone_after(const Known& known) {
  Seen seen;
  seen.version = known.version + 1;
  seen.gone = true;
  return seen;
}

Watch::Seen Watch::seen_of(const Value& object, bool gone) const {
  Seen seen;
  seen.gone = gone;
  const Value* metadata = object.find("metadata");
  if (!metadata) return seen;
  seen.uid = metadata->get_string("uid");
  seen.version = version_number(metadata->get_string("resourceVersion"));
  seen.going = metadata->find("deletionTimestamp") != nullptr;
  if (const Value* fields = our_fields(object)) seen.entry = digests_.entry(*fields);
  return seen;
}

void Watch::judge(const Id& id, Seen event) {
  std::string application;
  {
    const std::lock_guard lock(mutex_);
    if (const auto write = writes_.find(id); write != writes_.end()) {
      write->second.held = std::move(event);
      return;
    }
    const auto it = known_.find(id);
    if (it == known_.end()) return;
    Known& known = it->second;
    known.moved = Monotonic::now();
    if (known.asking) {
      known.held = std::move(event);
      return;
    }
    const bool same_object = event.uid == known.receipt.uid;
    if (event.version < known.version) return;
    const bool explained = event.version == known.version && same_object;
    if (!event.gone && (explained || event.version <= known.told)) return;
    const bool plain = event.gone || event.going || !same_object || event.entry != known.receipt.entry;
    const bool waits = known.health && known.health->health == protocol::Health::progressing;
    if (!plain && !waits) return ask(id, known, event);
    known.told = event.version;
    application = known.application;
  }
  changed_(application, {id.resource()}, false);
}

/// With the mutex. Our entry is as it was, and yet something was written: the values themselves decide.
void Watch::ask(const Id& id, Known& known, const Seen& event) {
  const Line* line = line_of(id.type, id.space);
  if (!line || line->kind.versions.empty() || stopping_) return;
  const auto& served = line->kind.versions;
  const auto version = ApiVersion::parse(known.receipt.version).version;
  const bool has = std::find(served.begin(), served.end(), version) != served.end();
  HttpRequest request;
  request.path = path_of(line->kind, id.type, has ? version : served.front(), id.space, id.name);
  request.headers = known.policy->headers();
  known.asking = true;
  ++open_calls_;
  cluster_.http().start(std::move(request), [this, id, event](const HttpResponse& response) {
    answered(id, event, response);
    call_ended();
  });
}

void Watch::answered(const Id& id, const Seen& event, const HttpResponse& response) {
  const auto object = object_in(response, id);
  std::string application;
  std::optional<Seen> held;
  {
    const std::lock_guard lock(mutex_);
    const auto it = known_.find(id);
    if (it == known_.end()) return;
    Known& known = it->second;
    known.asking = false;
    held = std::exchange(known.held, std::nullopt);
    if (const auto write = writes_.find(id); write != writes_.end()) {
      // What was read may be what was there before: looked at again when the write has ended.
      write->second.held = std::exchange(held, std::nullopt).value_or(event);
    } else if (!object || !as_known(known, *object)) {
      known.told = std::max(known.told, event.version);
      application = known.application;
    }
  }
  if (!application.empty()) changed_(application, {id.resource()}, false);
  if (held) judge(id, std::move(*held));
}

/// With the mutex. Whether the object is what we know it to be, and as healthy.
bool Watch::as_known(Known& known, const Value& object) const {
  const Value* fields = our_fields(object);
  const Seen now = seen_of(object, false);
  if (!fields || now.going || now.uid != known.receipt.uid || now.entry != known.receipt.entry ||
      digests_.owned(object, *fields, known.receipt.bare) != known.receipt.owned)
    return now.uid == known.receipt.uid && now.version < known.version;
  if (now.version < known.version) return true;
  known.version = now.version;
  known.receipt.resource_version = std::to_string(now.version);
  known.unsure = false;
  const auto health = health_.judge(object);
  const bool as_healthy = !known.health || known.health->health == health.health;
  known.health = health;
  known.health_version = now.version;
  return as_healthy;
}

}  // namespace gitopsd::kubernetes
