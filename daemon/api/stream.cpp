// The progress stream of a session: newline-delimited JSON in chunks (RFC 9112, 7.1), each line sent at once.
#include <boost/beast/http.hpp>

#include "base/json.h"
#include "daemon/api/objects.h"
#include "daemon/api/session.h"

namespace gitopsd::api {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace {

constexpr auto kLook =
    100ms;  ///< how often the state that `until` names is read; a line may be lost, a row is not
constexpr auto kHeartbeat = 15s;
constexpr auto kLineWrite = 30s;

/// Where the event or sync stands that `until` names.
struct Standing {
  std::string state, reason, error;
  bool ended = false;
  bool operator==(const Standing&) const = default;
};

Standing look(const store::Store& store, const Follow& follow) {
  if (follow.until_event) {
    const auto e = store.event(follow.until_event);
    if (!e) return {"cancelled", "it is no longer kept", "", true};
    return {std::string(to_string(e->state)), came_right(*e, store).reason, e->error, ended(e->state)};
  }
  const auto s = store.sync(follow.until_sync);
  if (!s) return {"cancelled", "it is no longer kept", "", true};
  return {std::string(to_string(s->state)), s->reason, s->error, ended(s->state)};
}

sync::ProgressLine own_line(const Context& context, std::string stage, std::string text = {}) {
  sync::ProgressLine line;
  line.when = context.now();
  line.stage = std::move(stage);
  line.text = std::move(text);
  return line;
}

std::string standing_line(const Context& context, const Names& names, const Follow& follow,
                          const Standing& now) {
  sync::ProgressLine line = own_line(context, "state", now.error.empty() ? now.reason : now.error);
  line.event = follow.until_event;
  line.sync = follow.until_sync;
  Value object = progress_object(line, names);
  object.set("state", now.state)
      .set("reason", text_or_null(now.reason))
      .set("error", text_or_null(now.error));
  return to_json(object) + "\n";
}

std::string taken_lines(const Context& context, const Names& names, const Progress::Taken& taken) {
  std::string out;
  if (taken.dropped > 0) {
    const auto dropped = own_line(context, "dropped", std::to_string(taken.dropped) + " lines were lost");
    out += to_json(progress_object(dropped, names)) + "\n";
  }
  for (const auto& line : taken.lines) out += to_json(progress_object(line, names)) + "\n";
  return out;
}

/// Wakes the stream from any thread; remembers a call that comes while nobody waits.
struct Bell {
  explicit Bell(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool rung = false;
  bool gone = false;  ///< the client closed its end

  void ring() {
    rung = true;
    timer.cancel();
  }
};

/// A place among the streams, and a tap on the hub's progress, both given back at the end.
class Place {
 public:
  Place(Hub& hub, const Follow& follow, std::function<void()> wake)
      : hub_(hub), tap_(hub.progress->follow(follow, std::move(wake))) {
    ++hub_.streams;
  }
  ~Place() {
    hub_.progress->leave(tap_);
    --hub_.streams;
  }
  Place(const Place&) = delete;
  Progress::Taken take() { return hub_.progress->take(tap_); }

 private:
  Hub& hub_;
  Progress::Handle tap_;
};

/// Puts together what the stream says next.
class Teller {
 public:
  Teller(const Context& context, const Follow& follow) : context_(context), follow_(follow) {}

  bool needs_names() const { return !names_ || beat_due(); }
  void learn(Names names) { names_ = std::move(names); }
  Deadline next_beat() const { return next_beat_; }
  bool told_the_end() const { return known_ && known_->ended; }

  /// `now`: where the thing stood that `until` names, read before `taken` was.
  std::string tell(const std::optional<Standing>& now, const Progress::Taken& taken) {
    std::string text;
    if (now && !known_) text += standing(*now);
    const std::string lines = taken_lines(context_, *names_, taken);
    text += lines;
    // The last line is the end, also where the first one was.
    if (now && (*now != *known_ || (now->ended && !lines.empty()))) text += standing(*now);
    if (!beat_due()) return text;
    next_beat_ = Monotonic::now() + kHeartbeat;
    return text + to_json(progress_object(own_line(context_, "heartbeat"), *names_)) + "\n";
  }

 private:
  bool beat_due() const { return Monotonic::now() >= next_beat_; }
  std::string standing(const Standing& now) {
    known_ = now;
    return standing_line(context_, *names_, follow_, now);
  }

  const Context& context_;
  const Follow& follow_;
  std::optional<Names> names_;
  std::optional<Standing> known_;
  Deadline next_beat_ = Monotonic::now() + kHeartbeat;
};

asio::awaitable<bool> write_head(Socket& socket) {
  http::response<http::empty_body> head(http::status::ok, 11);
  head.set(http::field::content_type, "application/x-ndjson");
  head.set(http::field::cache_control, "no-store");
  head.keep_alive(false);
  head.chunked(true);
  http::response_serializer<http::empty_body> serializer(head);
  TimeLimit limit(socket, kLineWrite);
  error_code error;
  co_await http::async_write_header(socket, serializer, to_error(error));
  co_return !error;
}

asio::awaitable<bool> write_chunk(Socket& socket, const std::string& text) {
  TimeLimit limit(socket, kLineWrite);
  error_code error;
  const auto chunk = http::make_chunk(asio::buffer(text));
  co_await asio::async_write(socket, chunk, to_error(error));
  co_return !error;
}

}  // namespace

asio::awaitable<void> Session::stream(const Follow& follow) {
  const Context& context = hub_.context;
  const bool until = follow.until_event || follow.until_sync;
  const auto bell = std::make_shared<Bell>(socket_.get_executor());
  Place place(hub_, follow, [executor = socket_.get_executor(), weak = std::weak_ptr(bell)] {
    asio::post(executor, [weak] {
      if (const auto there = weak.lock()) there->ring();
    });
  });
  wake_stream_ = [bell] { bell->ring(); };
  socket_.async_wait(Socket::wait_read, [bell](error_code) {
    bell->gone = true;
    bell->ring();
  });

  // Named, since g++ 12 destroys a lambda that is made inside an awaited call twice.
  const auto read_names = [&context] { return context.names(); };
  const auto read_standing = [&context, &follow] { return look(context.store(), follow); };
  Teller teller(context, follow);
  bool open = co_await write_head(socket_);
  while (open && !bell->gone) {
    bell->rung = false;
    const bool last_round = hub_.stopping;
    if (teller.needs_names()) {
      Names names = co_await on_pool(hub_.quick, read_names);
      teller.learn(std::move(names));
    }
    std::optional<Standing> now;
    if (until) now = co_await on_pool(hub_.quick, read_standing);
    const std::string text = teller.tell(now, place.take());
    if (!text.empty()) open = co_await write_chunk(socket_, text);
    if (last_round || teller.told_the_end()) break;
    if (bell->rung) continue;
    const auto next_look = until ? Monotonic::now() + kLook : Deadline::max();
    bell->timer.expires_at(std::min(teller.next_beat(), next_look));
    error_code rung;
    co_await bell->timer.async_wait(to_error(rung));
  }
  wake_stream_ = nullptr;
  if (!open || bell->gone) co_return;
  TimeLimit limit(socket_, kLineWrite);
  error_code ignored;
  const auto last = http::make_chunk_last();
  co_await asio::async_write(socket_, last, to_error(ignored));
}

}  // namespace gitopsd::api
