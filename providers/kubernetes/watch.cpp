#include "providers/kubernetes/watch.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <charconv>

#include "base/json.h"
#include "base/log.h"
#include "base/problem.h"
#include "providers/kubernetes/state.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOne = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr const char* kMany = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr std::size_t kMostLine = 8u << 20;
constexpr int kPage = 500;
constexpr auto kFirstWait = 100ms;
constexpr auto kLongestWait = 10s;

/// Versions of one object compare as numbers: what storage counts them by is stated since Kubernetes 1.35,
/// and was so before.
std::uint64_t number_of(const std::string& version) {
  std::uint64_t number = 0;
  std::from_chars(version.data(), version.data() + version.size(), number);
  return number;
}

}  // namespace

/// One watch: a kind in a namespace, or all of it.
struct Watch::Line {
  /// An object as the last event or list has it.
  struct Seen {
    std::string uid, entry;
    std::uint64_t version = 0;
    bool going = false;
  };
  GroupKind type;
  std::string space;
  std::shared_ptr<const Policy> policy;                    ///< whose identity asks
  std::map<std::string, Seen, std::less<>> seen, listing;  ///< by name; with the watch's mutex
  bool complete = false;                                   ///< `seen` is; with the watch's mutex
  std::string version;                                     ///< of the API
  std::string position;                                    ///< resourceVersion to go on from
  std::string pending;                                     ///< the beginning of a line
  bool refused = false;                                    ///< the last list was; with the watch's mutex
  std::atomic<HttpClient::StreamId> stream{0};
  std::chrono::milliseconds wait = kFirstWait;
  bool expired = false;
};

Watch::Watch(Cluster& cluster, const OwnedDigests& digests, const HealthJudge& health, Changed changed)
    : cluster_(cluster), digests_(digests), health_(health), changed_(std::move(changed)), thread_([this] {
        loop();
      }) {}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [place, line] : lines_) cluster_.watches().close(line->stream);
  }
  wake_.notify_all();
  thread_.join();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return open_calls_ == 0; });
}

/// Opens lines when their time has come: their callbacks run on threads that must not wait.
void Watch::loop() {
  ::pthread_setname_np(::pthread_self(), "watch");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::min_element(to_open_.begin(), to_open_.end(),
                                       [](const auto& a, const auto& b) { return a.first < b.first; });
    if (next == to_open_.end()) {
      wake_.wait(lock);
    } else if (next->first > Monotonic::now()) {
      wake_.wait_until(lock, next->first);
    } else {
      const auto line = next->second;
      to_open_.erase(next);
      lock.unlock();
      try {
        open(line);
      } catch (const Failure& failure) {
        log::warning("cannot watch", {{"kind", line->type.str()}, {"why", failure.what()}});
        again(line, true);
      }
      lock.lock();
    }
  }
}

void Watch::add(const Id& id, const std::string& application, const Receipt& receipt,
                const std::shared_ptr<const Policy>& policy) {
  std::optional<Event> missed;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_[id];
    known.application = application;
    known.policy = policy;
    const auto version = number_of(receipt.resource_version);
    if (known.receipt.uid != receipt.uid || version >= known.version) {
      known.receipt = receipt;
      known.version = version;
    }
    if (const Line* line = line_of(id.type, id.space)) {
      if (!line->complete) return;
      const auto seen = line->seen.find(id.name);
      if (seen != line->seen.end() && seen->second.version > known.version)
        missed = Event{seen->second.uid, seen->second.entry, seen->second.version, false, seen->second.going};
    } else {
      start_line(id, policy);
    }
  }
  if (missed) judge(id, std::move(*missed));
}

/// With the mutex.
void Watch::start_line(const Id& id, const std::shared_ptr<const Policy>& policy) {
  auto& line = lines_[{id.type, id.space}];
  if (stopping_) return;
  line = std::make_shared<Line>();
  line->type = id.type;
  line->space = id.space;
  line->policy = policy;
  to_open_.emplace_back(Monotonic::now(), line);
  wake_.notify_all();
}

/// With the mutex.
Watch::Line* Watch::line_of(const GroupKind& type, const std::string& space) const {
  const auto it = lines_.find({type, space});
  return it == lines_.end() ? nullptr : it->second.get();
}

bool Watch::await_seen(const GroupKind& type, const std::string& space, Deadline deadline) {
  std::unique_lock lock(mutex_);
  return wake_.wait_until(lock, deadline,
                          [&] {
                            const Line* line = line_of(type, space);
                            return stopping_ || !line || line->complete || line->refused;
                          }) &&
         line_of(type, space) && line_of(type, space)->complete;
}

Watch::View Watch::view(const Id& id, const Receipt& receipt) const {
  const std::lock_guard lock(mutex_);
  const Line* line = line_of(id.type, id.space);
  const auto known = known_.find(id);
  if (!line || !line->complete || known == known_.end()) return View::unknown;
  const auto seen = line->seen.find(id.name);
  if (seen == line->seen.end()) return View::gone;
  const Known& k = known->second;
  const bool as_told =
      k.receipt.uid == receipt.uid && k.receipt.entry == receipt.entry && k.receipt.owned == receipt.owned;
  const bool same = as_told && seen->second.uid == receipt.uid && seen->second.version <= k.version &&
                    !seen->second.going && k.writes == 0;
  return same ? View::same : View::unknown;
}

std::optional<std::size_t> Watch::count(const GroupKind& type, const std::string& space) const {
  const std::lock_guard lock(mutex_);
  const Line* line = line_of(type, space);
  if (!line || !line->complete) return std::nullopt;
  return line->seen.size();
}

std::map<Id, Receipt> Watch::known(const GroupKind& type, const std::string& space) const {
  const std::lock_guard lock(mutex_);
  std::map<Id, Receipt> out;
  for (auto it = known_.lower_bound({type, space, {}});
       it != known_.end() && it->first.type == type && it->first.space == space; ++it)
    out.emplace_hint(out.end(), it->first, it->second.receipt);
  return out;
}

void Watch::remove(const Id& id) {
  const std::lock_guard lock(mutex_);
  known_.erase(id);
  const bool used = std::any_of(known_.begin(), known_.end(), [&](const auto& other) {
    return other.first.type == id.type && other.first.space == id.space;
  });
  const auto it = lines_.find({id.type, id.space});
  if (used || it == lines_.end()) return;
  cluster_.watches().close(it->second->stream);
  lines_.erase(it);
}

void Watch::judged(const Id& id, const std::string& resource_version, const Judgement& health) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  if (it == known_.end()) return;
  it->second.health = health;
  it->second.health_version = number_of(resource_version);
}

std::optional<Judgement> Watch::health(const Id& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  if (it == known_.end() || !it->second.health) return std::nullopt;
  const Line* line = line_of(id.type, id.space);
  const auto seen = line ? line->seen.find(id.name) : decltype(line->seen.end()){};
  if (!line || !line->complete || seen == line->seen.end() ||
      seen->second.version > it->second.health_version)
    return std::nullopt;
  return it->second.health;
}

Watch::Writing::Writing(Watch& watch, Id id) : watch_(watch), id_(std::move(id)) {
  const std::lock_guard lock(watch_.mutex_);
  if (const auto it = watch_.known_.find(id_); it != watch_.known_.end()) ++it->second.writes;
}

Watch::Writing::~Writing() {
  std::optional<Event> held;
  {
    const std::lock_guard lock(watch_.mutex_);
    const auto it = watch_.known_.find(id_);
    if (it == watch_.known_.end() || it->second.writes == 0 || --it->second.writes > 0) return;
    held = std::exchange(it->second.held, std::nullopt);
  }
  if (held) watch_.judge(id_, std::move(*held));
}

void Watch::knows(const Id& id, const Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  if (it == known_.end()) return;
  const auto version = number_of(receipt.resource_version);
  if (version < it->second.version && receipt.uid == it->second.receipt.uid) return;
  it->second.receipt = receipt;
  it->second.version = version;
}

void Watch::open(const std::shared_ptr<Line>& line) {
  const auto kinds = cluster_.kinds();
  const KindInfo* kind = kinds->find(line->type);
  if (!kind) kind = cluster_.kinds_not_older_than(500ms)->find(line->type);
  if (!kind || !kind->watchable || kind->versions.empty()) return again(line, true);
  line->version = kind->versions.front();
  if (line->position.empty())
    list(line, {});
  else
    follow(line, line->position);
}

void Watch::list(const std::shared_ptr<Line>& line, const std::string& next_page) {
  const auto kinds = cluster_.kinds();
  const KindInfo* kind = kinds->find(line->type);
  if (!kind) return again(line, true);
  HttpRequest request;
  request.path = path_of(*kind, line->type, line->version, line->space, {}) +
                 "?limit=" + std::to_string(kPage) +
                 (next_page.empty() ? "" : "&continue=" + escape(next_page));
  request.accept = kMany;
  request.headers = line->policy->headers();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++open_calls_;
    if (next_page.empty()) line->listing.clear();
  }
  cluster_.http().start(std::move(request), [this, line](const HttpResponse& response) {
    if (response.status == 200) {
      try {
        listed(line, response.body);
      } catch (const Failure& failure) {
        log::warning("cannot read a list", {{"kind", line->type.str()}, {"why", failure.what()}});
        again(line, true);
      }
    } else {
      log::warning("cannot watch", {{"kind", line->type.str()},
                                    {"namespace", line->space},
                                    {"why", cluster_.failure_of(response, "cannot list").what()}});
      {
        const std::lock_guard lock(mutex_);
        line->refused = true;
      }
      again(line, true);
    }
    const std::lock_guard lock(mutex_);
    --open_calls_;
    wake_.notify_all();
  });
}

/// One page. After the last the watch goes on from the list's version.
void Watch::listed(const std::shared_ptr<Line>& line, const std::string& body) {
  const Value page = parse_json(body, "the list");
  const Value* version = page.at_pointer("/metadata/resourceVersion");
  const Value* more = page.at_pointer("/metadata/continue");
  if (!version || !version->is_string())
    throw fail(ProblemCause::destination, "a list without resourceVersion");
  {
    const std::lock_guard lock(mutex_);
    for (const Value& item : page.get_array("items")) {
      const Value* name = item.at_pointer("/metadata/name");
      if (!name) continue;
      const Event event = event_of(item, false);
      line->listing[name->as_string()] = {event.uid, event.entry, event.version, event.going};
    }
  }
  if (more && !more->as_string().empty()) return list(line, more->as_string());
  compare_all(line);
  follow(line, version->as_string());
}

/// Whatever is not as we know it may have changed while nobody watched; what we know and is not there is
/// gone.
void Watch::compare_all(const std::shared_ptr<Line>& line) {
  std::vector<std::pair<Id, Event>> ours;
  {
    const std::lock_guard lock(mutex_);
    line->seen = std::move(line->listing);
    line->listing.clear();
    line->complete = true;
    line->refused = false;
    for (auto it = known_.lower_bound({line->type, line->space, {}});
         it != known_.end() && it->first.type == line->type && it->first.space == line->space; ++it) {
      const auto seen = line->seen.find(it->first.name);
      if (seen == line->seen.end())
        ours.emplace_back(it->first, Event{{}, {}, it->second.version + 1, true, false});
      else if (seen->second.version != it->second.version || seen->second.uid != it->second.receipt.uid)
        ours.emplace_back(it->first, Event{seen->second.uid, seen->second.entry, seen->second.version, false,
                                           seen->second.going});
    }
    wake_.notify_all();
  }
  for (auto& [id, event] : ours) judge(id, std::move(event));
}

void Watch::follow(const std::shared_ptr<Line>& line, const std::string& resource_version) {
  const auto kinds = cluster_.kinds();
  const KindInfo* kind = kinds->find(line->type);
  if (!kind) return again(line, true);
  HttpRequest request;
  request.path = path_of(*kind, line->type, line->version, line->space, {}) +
                 "?watch=true&allowWatchBookmarks=true&resourceVersion=" + escape(resource_version);
  request.accept = kOne;
  request.headers = line->policy->headers();
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  ++open_calls_;
  line->position = resource_version;
  line->pending.clear();
  line->expired = false;
  line->stream = cluster_.watches().open(
      std::move(request), [this, line](std::string_view bytes) { take(line, bytes); },
      [this, line](const HttpResponse& response) {
        const bool refused = response.status != 0 && response.status != 200;
        if (refused)
          log::warning(
              "a watch was refused",
              {{"kind", line->type.str()}, {"why", cluster_.failure_of(response, "cannot watch").what()}});
        again(line, refused || line->expired);
        const std::lock_guard guard(mutex_);
        --open_calls_;
        wake_.notify_all();
      });
}

/// A stream ended: it goes on from where it was, or from a new list where the server has forgotten that.
void Watch::again(const std::shared_ptr<Line>& line, bool from_the_list) {
  const std::lock_guard lock(mutex_);
  line->stream = 0;
  const auto it = lines_.find({line->type, line->space});
  if (stopping_ || it == lines_.end() || it->second != line) return;
  if (from_the_list) {
    line->position.clear();
    line->complete = false;
  }
  const auto wait = line->expired ? 0ms : line->wait;
  line->wait = std::min<std::chrono::milliseconds>(line->wait * 2, kLongestWait);
  to_open_.emplace_back(Monotonic::now() + wait, line);
  wake_.notify_all();
}

void Watch::take(const std::shared_ptr<Line>& line, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    if (line->pending.size() + std::min(end, bytes.size()) > kMostLine) {
      line->expired = true;
      line->pending.clear();
      return cluster_.watches().close(line->stream);
    }
    line->pending += bytes.substr(0, end);
    if (end == bytes.npos) return;
    bytes.remove_prefix(end + 1);
    try {
      read_line(line, line->pending);
    } catch (const Failure& failure) {
      log::warning("cannot read a watch", {{"kind", line->type.str()}, {"why", failure.what()}});
    }
    line->pending.clear();
  }
}

void Watch::read_line(const std::shared_ptr<Line>& line, std::string_view json) {
  const Value event = parse_json(json, "the watch");
  const std::string type = event.get_string("type");
  const Value* object = event.find("object");
  if (!object) return;
  if (type == "ERROR") {
    // 410 in an answer of 200: what we would go on from is compacted.
    line->expired = object->get_int("code") == 410;
    return cluster_.watches().close(line->stream);
  }
  const Value* metadata = object->find("metadata");
  if (!metadata) return;
  line->wait = kFirstWait;
  line->position = metadata->get_string("resourceVersion");
  if (type == "BOOKMARK") return;
  const std::string name = metadata->get_string("name");
  Event told = event_of(*object, type == "DELETED");
  {
    const std::lock_guard lock(mutex_);
    if (told.gone)
      line->seen.erase(name);
    else
      line->seen[name] = {told.uid, told.entry, told.version, told.going};
  }
  judge({line->type, line->space, name}, std::move(told));
}

Watch::Event Watch::event_of(const Value& object, bool gone) const {
  Event event;
  event.gone = gone;
  const Value* metadata = object.find("metadata");
  if (!metadata) return event;
  event.uid = metadata->get_string("uid");
  event.version = number_of(metadata->get_string("resourceVersion"));
  event.going = metadata->find("deletionTimestamp") != nullptr;
  if (const Value* fields = our_fields(object)) event.entry = digests_.entry(*fields);
  return event;
}

void Watch::judge(const Id& id, Event event) {
  std::string application;
  {
    const std::lock_guard lock(mutex_);
    const auto it = known_.find(id);
    if (it == known_.end()) return;
    Known& known = it->second;
    if (known.writes > 0 || known.asking) {
      known.held = std::move(event);
      return;
    }
    const bool same_object = event.uid == known.receipt.uid;
    if (event.version < known.version || (event.version == known.version && same_object && !event.gone))
      return;
    application = known.application;
    const bool plain = event.gone || event.going || !same_object || event.entry != known.receipt.entry;
    const bool waits = known.health && known.health->health == protocol::Health::progressing;
    if (!plain && !waits) return ask(id, known, event);
  }
  tell(id, application);
}

/// With the mutex. Our entry is as it was, and yet something was written: the values themselves decide.
void Watch::ask(const Id& id, const Known& known, const Event& event) {
  const auto version = ApiVersion::parse(known.receipt.version).version;
  HttpRequest request;
  try {
    request = read_request(*cluster_.kinds(), id, version, *known.policy);
  } catch (const Failure&) {
    return;
  }
  known_.at(id).asking = true;
  ++open_calls_;
  cluster_.http().start(std::move(request), [this, id, event](const HttpResponse& response) {
    std::string application;
    std::optional<Event> held;
    bool changed = true;
    std::optional<Value> object;
    if (response.status == 200) try {
        object = parse_json(response.body, id.str());
      } catch (const Failure&) {
      }
    {
      const std::lock_guard lock(mutex_);
      if (const auto it = known_.find(id); it != known_.end()) {
        Known& known = it->second;
        known.asking = false;
        application = known.application;
        held = std::exchange(known.held, std::nullopt);
        const Value* fields = object ? our_fields(*object) : nullptr;
        const Value* uid = object ? object->at_pointer("/metadata/uid") : nullptr;
        changed = !fields || !uid || uid->as_string() != known.receipt.uid ||
                  digests_.entry(*fields) != known.receipt.entry ||
                  digests_.owned(*object, *fields, known.receipt.bare) != known.receipt.owned;
        if (!changed) {
          known.receipt.resource_version = object->at_pointer("/metadata/resourceVersion")->as_string();
          known.version = number_of(known.receipt.resource_version);
          const auto health = health_.judge(*object);
          changed = known.health && known.health->health != health.health;
          known.health = health;
          known.health_version = known.version;
        }
      } else {
        changed = false;
      }
      --open_calls_;
      wake_.notify_all();
    }
    if (changed) tell(id, application);
    if (held) judge(id, std::move(*held));
  });
}

void Watch::tell(const Id& id, const std::string& application) {
  changed_(application, {id.resource()}, false);
}

}  // namespace gitopsd::kubernetes
