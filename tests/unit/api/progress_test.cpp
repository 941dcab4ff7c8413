#include <sys/socket.h>

#include "base/json.h"
#include "daemon/api/progress.h"
#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;
using namespace std::chrono_literals;

namespace {

sync::ProgressLine line(const std::string& stage, std::int64_t event, const std::string& uid = "uid-web") {
  sync::ProgressLine out;
  out.when = kNoon;
  out.stage = stage;
  out.text = stage + " of " + uid;
  out.application = ApplicationUid(uid);
  out.repository = RepositoryName("site");
  out.event = EventId{event};
  out.sync = SyncId{event * 10};
  return out;
}

/// A stream, line by line.
class Lines {
 public:
  Lines(Client client, const std::string& target) : client_(std::move(client)) {
    client_.send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    head = client_.read_head();
  }
  /// The next one; null at the stream's end.
  Value next() {
    while (text_.empty()) {
      text_ = client_.read_chunk();
      if (text_.empty()) return {};
    }
    const auto end = text_.find('\n');
    const std::string one = text_.substr(0, end);
    text_.erase(0, end + 1);
    return parse_json(one);
  }
  bool closed() { return client_.closed(); }

  Answer head;

 private:
  Client client_;
  std::string text_;
};

}  // namespace

TEST_CASE_FIXTURE(Running, "a stream follows an event from before its request until it ended") {
  store.put(event_double(7, store::EventState::queued));
  dispatcher.say(line("fetched", 7));
  dispatcher.say(line("fetched", 8));
  Lines lines(client(), "/v1/progress?until=event:7");
  CHECK(lines.head.status == 200);
  CHECK(lines.head.headers.at("content-type") == "application/x-ndjson");
  const Value first = lines.next();
  CHECK(first.get_string("stage") == "state");
  CHECK(first.get_string("state") == "queued");
  CHECK(first.get_int("event") == 7);
  const Value kept = lines.next();
  CHECK(kept.get_string("stage") == "fetched");
  CHECK(kept.get_int("event") == 7);
  CHECK(kept.get_string("application") == "web");
  CHECK(kept.get_string("application_uid") == "uid-web");
  CHECK(kept.get_string("when") == "2026-11-24T12:00:00.000Z");
  CHECK(kept.as_object().at("state").is_null());

  dispatcher.say(line("planned", 8));
  dispatcher.say(line("planned", 7));
  CHECK(lines.next().get_string("stage") == "planned");
  store.set_event(EventId{7}, store::EventState::held, "approval", "");
  const Value held = lines.next();
  CHECK(held.get_string("state") == "held");
  CHECK(held.get_string("reason") == "approval");

  store.set_event(EventId{7}, store::EventState::failed, "", "a.yaml:3:1: bad");
  const Value last = lines.next();
  CHECK(last.get_string("state") == "failed");
  CHECK(last.get_string("error") == "a.yaml:3:1: bad");
  CHECK(lines.next().is_null());
  CHECK(lines.closed());
}

TEST_CASE_FIXTURE(Running, "a stream on an event that ended tells what is kept, its state, and ends") {
  store.put(event_double(7));
  dispatcher.say(line("ended", 7));
  Lines lines(client(), "/v1/progress?until=event:7");
  CHECK(lines.next().get_string("state") == "succeeded");
  CHECK(lines.next().get_string("stage") == "ended");
  CHECK(lines.next().get_string("state") == "succeeded");
  CHECK(lines.next().is_null());
}

TEST_CASE_FIXTURE(Running, "a stream follows a sync") {
  auto s = sync_double(70, 0);
  s.state = store::SyncState::running;
  store.put(s);
  Lines lines(client(), "/v1/progress?until=sync:70");
  CHECK(lines.next().get_string("state") == "running");
  dispatcher.say(line("step", 7));
  CHECK(lines.next().get_int("sync") == 70);
  s.state = store::SyncState::succeeded;
  store.put(s);
  CHECK(lines.next().get_string("state") == "succeeded");
  CHECK(lines.next().is_null());
}

TEST_CASE_FIXTURE(Running, "a stream is filtered by application and repository") {
  Lines lines(client(), "/v1/progress?application=mail&repository=site");
  dispatcher.say(line("fetched", 1));
  dispatcher.say(line("fetched", 2, "uid-mail"));
  auto other = line("fetched", 3, "uid-mail");
  other.repository = RepositoryName("other");
  dispatcher.say(other);
  dispatcher.say(line("planned", 4, "uid-mail"));
  CHECK(lines.next().get_int("event") == 2);
  CHECK(lines.next().get_int("event") == 4);
}

TEST_CASE_FIXTURE(Running, "a stop ends streams properly") {
  Lines lines(client(), "/v1/progress?application=web");
  dispatcher.say(line("fetched", 1));
  CHECK(lines.next().get_int("event") == 1);
  const auto begin = Monotonic::now();
  api->stop(begin + 60s);
  CHECK(Monotonic::now() - begin < 30s);
  CHECK(lines.next().is_null());
}

TEST_CASE_FIXTURE(Running, "streams whose clients left make room for others") {
  for (int round = 0; round < 4; ++round) {
    std::vector<Lines> many;
    for (int i = 0; i < 16; ++i) {
      REQUIRE(eventually([&] {  // those of the round before may be on their way out
        many.emplace_back(client(), "/v1/progress?application=web");
        return many.back().head.status == 200;
      }));
    }
  }
  std::vector<Lines> full;
  CHECK(eventually([&] {
    full.emplace_back(client(), "/v1/progress?application=web");
    return full.size() > 32 && full.back().head.status == 503;
  }));
}

TEST_CASE_FIXTURE(Running, "what cannot be followed is refused") {
  CHECK(get("/v1/progress?until=event:9").status == 404);
  CHECK(get("/v1/progress?until=sync:9").status == 404);
  CHECK(get("/v1/progress?until=9").status == 400);
  CHECK(get("/v1/progress?until=commit:9").status == 400);
  CHECK(get("/v1/progress?application=nope").status == 404);
  CHECK(get("/v1/progress?repository=nope").status == 404);
  CHECK(get("/v1/progress?event=x").status == 400);
  Client old = client();
  old.send("GET /v1/progress HTTP/1.0\r\n\r\n");
  CHECK(old.read_answer().status == 400);
}

TEST_CASE("a slow reader loses the oldest lines and is told how many") {
  Progress progress;
  int rings = 0;
  const auto tap = progress.follow({}, [&] { ++rings; });
  for (std::size_t i = 1; i <= kQueuedLines + 3; ++i)
    progress.publish(line("step", static_cast<std::int64_t>(i)));
  CHECK(rings == 1);
  const auto taken = progress.take(tap);
  CHECK(taken.dropped == 3);
  CHECK(taken.lines.size() == kQueuedLines);
  CHECK(taken.lines.front().event.value == 4);
  progress.publish(line("step", 1));
  CHECK(rings == 2);
  CHECK(progress.take(tap).dropped == 0);
  progress.leave(tap);
  progress.publish(line("step", 1));
  CHECK(rings == 2);
}

TEST_CASE("who follows an event hears of the sync that it goes along with") {
  Progress progress;
  Follow one;
  one.event = EventId{2};
  const auto tap = progress.follow(one, [] {});
  auto told = line("step", 1);
  progress.publish(told);
  told.along = {EventId{3}, EventId{2}};
  progress.publish(told);
  const auto taken = progress.take(tap);
  REQUIRE(taken.lines.size() == 1);
  CHECK(taken.lines[0].event == EventId{1});
}

TEST_CASE("only filtered streams begin with kept lines, and only so many are kept") {
  Progress progress;
  for (std::size_t i = 1; i <= kKeptLines + 5; ++i)
    progress.publish(line("step", static_cast<std::int64_t>(i)));
  const auto all = progress.follow({}, [] {});
  CHECK(progress.take(all).lines.empty());
  Follow one;
  one.application = ApplicationUid("uid-web");
  const auto filtered = progress.follow(one, [] {});
  const auto taken = progress.take(filtered);
  CHECK(taken.lines.size() == kKeptLines);
  CHECK(taken.lines.front().event.value == 6);
}
