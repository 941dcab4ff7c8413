#include <pthread.h>

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "base/problem.h"
#include "providers/kubernetes/watch_line.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOne = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr const char* kMany = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr std::size_t kMostLine = 8u << 20;
constexpr int kPage = 500;
/// After a restart of the API server every kind is listed anew, beside the heals that cannot wait for it.
constexpr int kMostLists = 4;
constexpr std::chrono::milliseconds kFirstWait{100}, kLongestWait{5'000};
/// What somebody has to grant or to install first.
constexpr std::chrono::milliseconds kFirstRefusal{1'000}, kLongestRefusal{60'000};
constexpr int kSureRefusals = 2;
/// A server that has just started does not know all of its kinds and roles yet.
constexpr std::chrono::seconds kStarting{60};

/// A custom kind may become another; those of the server itself do not while it runs. The groups of custom
/// kinds have a dot (CustomResourceDefinitions are refused without).
bool may_be_custom(const std::string& group) {
  static const std::set<std::string_view> own{"admissionregistration.k8s.io",
                                              "apiextensions.k8s.io",
                                              "apiregistration.k8s.io",
                                              "certificates.k8s.io",
                                              "coordination.k8s.io",
                                              "discovery.k8s.io",
                                              "events.k8s.io",
                                              "networking.k8s.io",
                                              "node.k8s.io",
                                              "rbac.authorization.k8s.io",
                                              "scheduling.k8s.io",
                                              "storage.k8s.io"};
  return group.find('.') != group.npos && !own.contains(group);
}

Problem because(std::string message) {
  return {ProblemCause::destination, std::move(message), {}, {}, {}};
}

/// Who may not list is not asked whether he may watch, which takes both.
Problem for_watching(Problem problem) {
  constexpr std::string_view one = "the verb `list`";
  if (const auto at = problem.hint.find(one); at != problem.hint.npos)
    problem.hint.replace(at, one.size(), "the verbs `list` and `watch`");
  return problem;
}

}  // namespace

Watch::Watch(Cluster& cluster, const OwnedDigests& digests, const HealthJudge& health, Changed changed,
             Troubled troubled)
    : cluster_(cluster),
      digests_(digests),
      health_(health),
      changed_(std::move(changed)),
      troubled_(std::move(troubled)),
      random_(std::random_device()()),
      thread_([this] { loop(); }) {}

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

void Watch::call_ended() {
  const std::lock_guard lock(mutex_);
  --open_calls_;
  wake_.notify_all();
}

/// Opens lines when their time has come: their callbacks run on threads that must not wait.
void Watch::loop() {
  ::pthread_setname_np(::pthread_self(), "watch");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::min_element(to_open_.begin(), to_open_.end(),
                                       [](const auto& a, const auto& b) { return a.first < b.first; });
    if (next == to_open_.end() || lists_ >= kMostLists) {
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
        again(line, failure.cause() == ProblemCause::transient ? Why::unreachable : Why::refused,
              failure.problems().front());
      }
      lock.lock();
    }
  }
}

/// With the mutex.
void Watch::start_line(const Id& id, const std::shared_ptr<const Policy>& policy) {
  if (stopping_) return;
  const auto line = std::make_shared<Line>(id.type, id.space, policy);
  lines_[{id.type, id.space}] = line;
  to_open_.emplace_back(Monotonic::now(), line);
  wake_.notify_all();
}

/// With the mutex. Where nothing of its kind and namespace is known any more.
std::optional<protocol::Condition> Watch::end_line(const Id& id) {
  const auto it = lines_.find({id.type, id.space});
  if (it == lines_.end() || knows_any(id.type, id.space)) return std::nullopt;
  cluster_.watches().close(it->second->stream);
  std::optional<protocol::Condition> passed;
  if (it->second->trouble) passed = no_trouble(*it->second);
  lines_.erase(it);
  return passed;
}

/// With the mutex.
bool Watch::alive(const Line& line) const {
  return !stopping_ && line_of(line.type, line.space) == &line;
}

void Watch::open(const Lines& line) {
  bool fresh = false, from_the_list = false;
  {
    const std::lock_guard lock(mutex_);
    if (!alive(*line)) return;
    fresh = line->doubtful || line->refused;
    from_the_list = line->position.empty();
  }
  auto kinds = fresh ? cluster_.kinds_not_older_than(500ms) : cluster_.kinds();
  if (!kinds->find(line->type)) kinds = cluster_.kinds_not_older_than(500ms);
  const KindInfo* kind = kinds->find(line->type);
  if (!kind || kind->versions.empty())
    return again(line, Why::refused, because("the cluster has no such kind"));
  if (!kind->watchable)
    return again(line, Why::refused, because("the API server offers no watch of this kind"));
  {
    const std::lock_guard lock(mutex_);
    line->kind = *kind;
  }
  if (from_the_list) return list(line, {});
  follow(line);
  doubt_all(line);
}

void Watch::list(const Lines& line, const std::string& next_page) {
  HttpRequest request;
  request.accept = kMany;
  {
    const std::lock_guard lock(mutex_);
    if (!alive(*line)) return;
    request.headers = line->policy->headers();
    request.path = line->path("?limit=") + std::to_string(kPage) +
                   (next_page.empty() ? "" : "&continue=" + escape(next_page));
    ++open_calls_;
    ++lists_;
    if (next_page.empty()) line->listing.clear();
  }
  cluster_.http().start(std::move(request), [this, line](const HttpResponse& response) {
    list_answered(line, response);
    {
      const std::lock_guard lock(mutex_);
      --lists_;
    }
    call_ended();
  });
}

void Watch::list_answered(const Lines& line, const HttpResponse& response) {
  if (response.status != 200)
    return again(line, response.status == 0 ? Why::unreachable : Why::refused,
                 for_watching(cluster_.failure_of(response, {}).problems().front()));
  try {
    listed(line, response.body);
  } catch (const Failure& failure) {
    again(line, Why::refused, failure.problems().front());
  }
}

/// One page. After the last the watch goes on from the list's version.
void Watch::listed(const Lines& line, const std::string& body) {
  const Value page = parse_go_json(body, "the list");
  const Value* version = page.at_pointer("/metadata/resourceVersion");
  const Value* more = page.at_pointer("/metadata/continue");
  if (!version || !version->is_string())
    throw fail(ProblemCause::destination, "a list without resourceVersion");
  std::vector<std::pair<std::string, Seen>> items;
  for (const Value& item : page.get_array("items"))
    if (const Value* name = item.at_pointer("/metadata/name"))
      items.emplace_back(name->as_string(), seen_of(item, false));
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, seen] : items) line->listing.insert_or_assign(name, std::move(seen));
    line->position = version->as_string();
  }
  if (more && !more->as_string().empty()) return list(line, more->as_string());
  compare_all(line);
  follow(line);
  doubt_all(line);
}

/// Whatever is not as we know it may have changed while nobody watched; what we know and is not there is
/// gone.
void Watch::compare_all(const Lines& line) {
  std::vector<std::pair<Id, Seen>> ours;
  {
    const std::lock_guard lock(mutex_);
    line->seen = std::move(line->listing);
    line->listing.clear();
    line->complete = line->current = true;
    const auto listed = version_number(line->position);
    for (const auto& [id, known] : known_of(*line)) {
      // What was written after the list was made is told by the stream that goes on from it.
      if (known->version > listed) continue;
      const auto seen = line->seen.find(id.name);
      if (seen == line->seen.end())
        ours.emplace_back(id, gone_after(*known));
      else if (seen->second.version != known->version || seen->second.uid != known->receipt.uid)
        ours.emplace_back(id, seen->second);
    }
    wake_.notify_all();
  }
  for (auto& [id, seen] : ours) judge(id, std::move(seen));
}

/// Where a kind may have become another, objects read differently although nobody wrote them, and no event
/// tells: all of them are looked at, once.
void Watch::doubt_all(const Lines& line) {
  std::map<std::string, std::vector<ResourceId>> to_tell;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(line->doubtful, false)) return;
    for (const auto& [id, known] : known_of(*line)) {
      known->unsure = true;
      to_tell[known->application].push_back(id.resource());
    }
  }
  for (auto& [application, ids] : to_tell) changed_(application, std::move(ids), false);
}

void Watch::follow(const Lines& line) {
  HttpRequest request;
  request.accept = kOne;
  const std::lock_guard lock(mutex_);
  if (!alive(*line)) return;
  request.headers = line->policy->headers();
  request.path = line->path("?watch=true&allowWatchBookmarks=true&resourceVersion=") + escape(line->position);
  ++open_calls_;
  line->pending.clear();
  line->broken = line->expired = false;
  line->current = line->complete;
  line->stream = cluster_.watches().open(
      std::move(request), [this, line](std::string_view bytes) { take(line, bytes); },
      [this, line](const HttpResponse& response) {
        follow_ended(line, response);
        call_ended();
      });
}

void Watch::follow_ended(const Lines& line, const HttpResponse& response) {
  if (response.status != 0 && response.status != 200)
    return again(line, Why::refused, cluster_.failure_of(response, {}).problems().front());
  bool expired = false;
  {
    const std::lock_guard lock(mutex_);
    expired = line->expired;
  }
  again(line, expired ? Why::expired : response.status == 0 ? Why::unreachable : Why::ended);
}

/// With the mutex. Several applications own things of a kind in a namespace: who of them may watch it, does
/// so for all. What an application is told stays what is its own.
void Watch::ask_as_another(Line& line) {
  const auto id_of = [](const Policy& policy) { return std::pair(policy.user, policy.groups); };
  std::map<std::pair<std::string, std::vector<std::string>>, std::shared_ptr<const Policy>> all;
  for (const auto& [id, known] : known_of(line)) all.try_emplace(id_of(*known->policy), known->policy);
  if (all.empty()) return;
  const auto next = all.upper_bound(id_of(*line.policy));
  line.policy = next == all.end() ? all.begin()->second : next->second;
}

/// With the mutex. Spread, so that a hundred lines that ended together do not come back together.
std::chrono::milliseconds Watch::wait_before(Line& line, Why why) {
  const auto now = Monotonic::now();
  if (why == Why::unreachable) line.away = now;
  const bool starting = why == Why::refused && line.away + kStarting > now;
  if (starting) line.wait = kFirstRefusal;
  const auto wait = why == Why::refused ? std::max(line.wait, kFirstRefusal) : line.wait;
  const auto longest = why == Why::refused ? kLongestRefusal : kLongestWait;
  if (!starting) line.wait = std::clamp(wait * 2, kFirstWait, longest);
  return wait + wait * std::uniform_int_distribution<int>(0, 50)(random_) / 100;
}

/// A stream or an attempt ended: it goes on from where it was, or from a new list where that is forgotten.
void Watch::again(const Lines& line, Why why, const Problem& problem) {
  std::optional<protocol::Condition> trouble;
  {
    const std::lock_guard lock(mutex_);
    trouble = closed(line, why, problem);
  }
  if (trouble) troubled_(*trouble);
}

/// With the mutex.
std::optional<protocol::Condition> Watch::closed(const Lines& line, Why why, const Problem& problem) {
  line->stream = 0;
  line->current = false;
  if (!alive(*line)) return std::nullopt;
  line->failing = why == Why::unreachable || why == Why::refused;
  line->refused = why == Why::refused;
  line->doubtful = line->doubtful || may_be_custom(line->type.group);
  if (why == Why::expired || why == Why::refused) {
    line->position.clear();
    line->complete = false;
  }
  to_open_.emplace_back(Monotonic::now() + wait_before(*line, why), line);
  wake_.notify_all();
  if (why != Why::refused) return std::nullopt;
  ask_as_another(*line);
  return refused_again(*line, problem);
}

/// With the mutex. Once may be a server that has just started, or one of several users.
std::optional<protocol::Condition> Watch::refused_again(Line& line, const Problem& problem) {
  if (++line.refusals < kSureRefusals || !line.said.insert(problem.message).second) return std::nullopt;
  line.trouble = problem;
  log::warning("cannot watch; changes are seen at the interval only",
               {{"kind", line.type.str()}, {"namespace", line.space}, {"why", problem.str()}});
  return trouble_of(line);
}

/// With the mutex.
protocol::Condition Watch::trouble_of(Line& line) {
  for (const auto& [id, known] : known_of(line)) line.troubled.insert(known->application);
  const std::string where = line.space.empty() ? "" : " in namespace " + line.space;
  return {
      line.key(),
      "drift of " + line.type.str() + where + " is seen only every check_interval: " + line.trouble->message,
      line.trouble->hint,
      false,
      {line.troubled.begin(), line.troubled.end()}};
}

/// With the mutex.
protocol::Condition Watch::no_trouble(Line& line) {
  line.trouble.reset();
  line.troubled.clear();
  return {line.key()};
}

/// The stream is open: what it cannot tell of the time before was listed.
void Watch::opened(const Lines& line) {
  std::optional<protocol::Condition> passed;
  {
    const std::lock_guard lock(mutex_);
    if (!alive(*line)) return;
    line->refusals = 0;
    line->said.clear();
    line->failing = line->refused = false;
    if (line->trouble) {
      log::info("watched again", {{"kind", line->type.str()}, {"namespace", line->space}});
      passed = no_trouble(*line);
    }
  }
  if (passed) troubled_(*passed);
}

void Watch::take(const Lines& line, std::string_view bytes) {
  if (bytes.empty()) return opened(line);
  while (!bytes.empty() && !line->broken) {
    const auto end = bytes.find('\n');
    if (line->pending.size() + std::min(end, bytes.size()) > kMostLine) {
      const std::lock_guard lock(mutex_);
      line->broken = line->expired = true;
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

void Watch::read_line(const Lines& line, std::string_view json) {
  const Value event = parse_go_json(json, "the watch");
  const std::string type = event.get_string("type");
  const Value* object = event.find("object");
  if (!object) return;
  if (type == "ERROR") {
    // 410 in an answer of 200: what we would go on from is compacted.
    const std::lock_guard lock(mutex_);
    line->broken = true;
    line->expired = object->get_int("code") == 410;
    return cluster_.watches().close(line->stream);
  }
  const Value* metadata = object->find("metadata");
  if (!metadata) return;
  const std::string name = metadata->get_string("name");
  Seen seen = seen_of(*object, type == "DELETED");
  {
    const std::lock_guard lock(mutex_);
    line->wait = 0ms;
    line->position = metadata->get_string("resourceVersion");
    if (type == "BOOKMARK") return;
    if (seen.gone)
      line->seen.erase(name);
    else
      line->seen[name] = seen;
  }
  judge({line->type, line->space, name}, std::move(seen));
}

}  // namespace gitopsd::kubernetes
