#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "base/json.h"
#include "providers/protocol/framing.h"
#include "providers/protocol/peer.h"
#include "tests/unit/protocol/pipes.h"

using namespace gitopsd;
using namespace gitopsd::protocol;
using namespace std::chrono_literals;

namespace {

Deadline in(std::chrono::milliseconds time) {
  return Monotonic::now() + time;
}

Peer::Handlers echo() {
  Peer::Handlers handlers;
  handlers.request = [](std::string_view method, const Value& params, auto answer, const auto& refuse) {
    if (method == "echo" || method == "blob") return answer(params);
    if (method == "large") return answer(Value(std::string(5u << 20, 'x')));
    if (method == "throw") throw fail(ProblemCause::permission, "not here", "elsewhere");
    if (method == "drop") return;
    refuse(kUnknownMethod, "unknown method");
  };
  return handlers;
}

std::string failure_of(auto work, ProblemCause cause) {
  try {
    work();
  } catch (const Failure& e) {
    CHECK(e.cause() == cause);
    return e.what();
  }
  return "succeeded";
}

/// The other end as raw bytes.
struct Raw {
  test::Duplex fd;
  FrameReader frames;
  void send(std::string_view bytes) {
    REQUIRE(::write(fd.out.get(), bytes.data(), bytes.size()) == ssize_t(bytes.size()));
  }
  void message(std::string_view json) { send(frame(json)); }
  /// The next frame, or null at the end of the stream.
  Value next() {
    for (;;) {
      if (auto payload = frames.next()) return parse_json(*payload);
      pollfd p{fd.in.get(), POLLIN, 0};
      REQUIRE(::poll(&p, 1, 60'000) == 1);
      char bytes[65536];
      ssize_t n = ::read(fd.in.get(), bytes, sizeof bytes);
      if (n <= 0) return {};
      frames.feed({bytes, std::size_t(n)});
    }
  }
};

}  // namespace

TEST_CASE("calls, errors and notifications cross") {
  auto [a, b] = test::pipes();
  std::promise<std::string> told;
  Peer::Handlers listening = echo();
  listening.notification = [&](std::string_view method, const Value&) {
    told.set_value(std::string(method));
  };
  Peer left(std::move(a.in), std::move(a.out), echo()), right(std::move(b.in), std::move(b.out), listening);
  CHECK(left.call("echo", Value::object({{"x", 1}}), in(10s)) == Value::object({{"x", 1}}));
  CHECK(right.call("echo", Value::object({{"y", 2}}), in(10s)) == Value::object({{"y", 2}}));
  CHECK(failure_of([&] { left.call("nope", {}, in(10s)); }, ProblemCause::internal).find("unknown method") !=
        std::string::npos);
  const std::string refused = failure_of([&] { left.call("throw", {}, in(10s)); }, ProblemCause::permission);
  CHECK(refused.find("not here") != std::string::npos);
  CHECK(refused.find("elsewhere") != std::string::npos);
  CHECK(
      failure_of([&] { left.call("drop", {}, in(10s)); }, ProblemCause::internal).find("without an answer") !=
      std::string::npos);
  CHECK(failure_of([&] { left.call("large", {}, in(60s)); }, ProblemCause::internal).find("fewer at once") !=
        std::string::npos);
  CHECK(left.notify("hello", {}));
  CHECK(told.get_future().get() == "hello");
}

TEST_CASE("two peers that write more than their pipes hold do not deadlock") {
  auto [a, b] = test::pipes();
  Peer left(std::move(a.in), std::move(a.out), echo()), right(std::move(b.in), std::move(b.out), echo());
  const Value big(std::string(256u << 10, 'x'));
  std::vector<std::future<bool>> calls;
  for (int i = 0; i < 6; ++i)
    for (Peer* peer : {&left, &right})
      calls.push_back(
          std::async(std::launch::async, [&big, peer] { return peer->call("echo", big, in(60s)) == big; }));
  for (auto& call : calls) CHECK(call.get());
}

TEST_CASE("the end of the stream fails open calls and is told once") {
  auto [a, b] = test::pipes();
  std::atomic<int> closed{0};
  std::promise<void> told;
  Peer::Handlers handlers;
  handlers.closed = [&](const std::string& why) {
    CHECK(why.empty());
    ++closed;
    told.set_value();
  };
  {
    Peer left(std::move(a.in), std::move(a.out), handlers);
    auto call = std::async(std::launch::async, [&] {
      return failure_of([&] { left.call("echo", {}, in(30s)); }, ProblemCause::transient);
    });
    Raw raw{std::move(b), {}};
    CHECK(raw.next().get_string("method") == "echo");
    raw.fd.out = Fd();
    CHECK(call.get().find("stream ended") != std::string::npos);
    told.get_future().get();
    CHECK_FALSE(left.open());
    CHECK_FALSE(left.notify("x", {}));
    failure_of([&] { left.call("echo", {}, in(1s)); }, ProblemCause::transient);
  }
  CHECK(closed == 1);
}

TEST_CASE("why the other side ended the stream is told to all who ask, once that is known") {
  auto [a, b] = test::pipes();
  std::promise<void> asked, known;
  std::promise<std::string> told;
  Peer::Handlers handlers;
  handlers.explain = [&] {
    asked.set_value();
    known.get_future().wait();
    return std::string("it fell over");
  };
  handlers.closed = [&](const std::string& why) { told.set_value(why); };
  Peer left(std::move(a.in), std::move(a.out), handlers);
  const auto call = [&] {
    return std::async(std::launch::async, [&] {
      return failure_of([&] { left.call("x", {}, in(30s)); }, ProblemCause::transient);
    });
  };
  auto open = call();
  Raw raw{std::move(b), {}};
  CHECK(raw.next().get_string("method") == "x");
  raw.fd.out = Fd();
  asked.get_future().wait();
  auto late = call();
  known.set_value();
  CHECK(open.get() == "it fell over");
  CHECK(late.get() == "x: it fell over");
  CHECK(told.get_future().get() == "it fell over");
}

TEST_CASE("what is closed here needs no reason") {
  auto [a, b] = test::pipes();
  std::promise<std::string> told;
  Peer::Handlers handlers;
  handlers.explain = [] { return std::string("it fell over"); };
  handlers.closed = [&](const std::string& why) { told.set_value(why); };
  Peer left(std::move(a.in), std::move(a.out), handlers);
  left.close();
  CHECK(told.get_future().get().empty());
}

TEST_CASE("a call ends at its deadline and its late answer is ignored") {
  auto [a, b] = test::pipes();
  Peer left(std::move(a.in), std::move(a.out), echo());
  Raw raw{std::move(b), {}};
  CHECK(failure_of([&] { left.call("slow", {}, in(20ms)); }, ProblemCause::transient).find("deadline") !=
        std::string::npos);
  raw.message(to_json(Value::object({{"jsonrpc", "2.0"}, {"id", raw.next().get_int("id")}, {"result", 1}})));
  auto call = std::async(std::launch::async, [&] { return left.call("next", {}, in(10s)); });
  raw.message(to_json(Value::object({{"jsonrpc", "2.0"}, {"id", raw.next().get_int("id")}, {"result", 2}})));
  CHECK(call.get() == Value(2));
}

TEST_CASE("nonsense is answered where the framing holds, and ends the stream where it does not") {
  auto [a, b] = test::pipes();
  std::promise<std::string> why;
  Peer::Handlers handlers = echo();
  handlers.closed = [&](std::string text) { why.set_value(std::move(text)); };
  Peer left(std::move(a.in), std::move(a.out), handlers);
  Raw raw{std::move(b), {}};
  raw.message("{not json");
  CHECK(raw.next().find("error")->get_int("code") == kParseError);
  raw.message("[]");
  CHECK(raw.next().find("error")->get_int("code") == kInvalidRequest);
  raw.message(R"({"jsonrpc":"1.0","id":4,"method":"echo"})");
  CHECK(raw.next().find("error")->get_int("code") == kInvalidRequest);
  raw.message(R"({"jsonrpc":"2.0","id":"text ids too","method":"echo","params":[1]})");
  CHECK(to_json(raw.next()) == R"({"id":"text ids too","jsonrpc":"2.0","result":[1]})");
  raw.message(R"({"jsonrpc":"2.0","id":77,"result":1})");  // an answer to nothing
  raw.send("print: oops\n");
  CHECK(why.get_future().get().find("framing") != std::string::npos);
}

TEST_CASE("a lying answer fails its call only") {
  auto [a, b] = test::pipes();
  Peer left(std::move(a.in), std::move(a.out), echo());
  Raw raw{std::move(b), {}};
  for (const char* rest : {R"("neither":1)", R"("error":5)", R"("error":{})"}) {
    auto call = std::async(std::launch::async, [&] {
      try {
        left.call("x", {}, in(10s));
        return false;
      } catch (const Failure&) {
        return true;
      }
    });
    raw.message(R"({"jsonrpc":"2.0","id":)" + std::to_string(raw.next().get_int("id")) + "," + rest + "}");
    CHECK(call.get());
  }
  CHECK(left.open());
}

TEST_CASE("control frames overtake blob chunks that wait") {
  auto [a, b] = test::pipes();
  std::promise<void> queued;
  Peer::Handlers handlers;
  handlers.request = [&](std::string_view method, const Value& params, auto answer, const auto&) {
    answer(params);
    if (method != "blob") queued.set_value();
  };
  Peer left(std::move(a.in), std::move(a.out), handlers);
  Raw raw{std::move(b), {}};
  // Nobody reads yet: the first chunk fills the pipe, the others wait in the queue.
  const std::string chunk(150u << 10, 'x');
  for (int id = 1; id <= 3; ++id)
    raw.message(
        to_json(Value::object({{"jsonrpc", "2.0"}, {"id", id}, {"method", "blob"}, {"params", chunk}})));
  CHECK(raw.next().get_int("id") == 1);
  // The first chunk has left the queue, the second fills the pipe; the answer to `echo` goes before the
  // third.
  raw.message(R"({"jsonrpc":"2.0","id":4,"method":"echo"})");
  queued.get_future().get();
  std::vector<std::int64_t> order;
  for (int i = 0; i < 3; ++i) order.push_back(raw.next().get_int("id"));
  CHECK(order.back() != 4);
}

TEST_CASE("at most four blob requests are open") {
  auto [a, b] = test::pipes();
  std::vector<Peer::Handlers::Answer> kept;
  std::promise<void> four;
  Peer::Handlers handlers;
  handlers.request = [&](std::string_view, const Value&, auto answer, const auto&) {
    kept.push_back(std::move(answer));
    if (kept.size() == 4) four.set_value();
  };
  Peer left(std::move(a.in), std::move(a.out), handlers);
  Raw raw{std::move(b), {}};
  for (int id = 1; id <= 5; ++id)
    raw.message(to_json(Value::object({{"jsonrpc", "2.0"}, {"id", id}, {"method", "blob"}})));
  four.get_future().get();
  const Value refused = raw.next();
  CHECK(refused.get_int("id") == 5);
  CHECK(refused.find("error")->get_int("code") == kBusy);
  kept[0](Value(1));
  CHECK(raw.next().get_int("id") == 1);
  raw.message(R"({"jsonrpc":"2.0","id":6,"method":"blob"})");
  raw.message(R"({"jsonrpc":"2.0","id":7,"method":"blob"})");
  CHECK(raw.next().get_int("id") == 7);
}

TEST_CASE("a side that never reads is cut off instead of filling memory") {
  auto [a, b] = test::pipes();
  std::promise<std::string> why;
  Peer::Handlers handlers = echo();
  handlers.closed = [&](std::string text) { why.set_value(std::move(text)); };
  Peer left(std::move(a.in), std::move(a.out), handlers);
  const Value big(std::string(3u << 20, 'x'));
  int sent = 0;
  while (left.notify("big", big)) ++sent;
  CHECK(sent > 10);
  CHECK(sent < 30);
  CHECK(why.get_future().get().find("does not read") != std::string::npos);
}

TEST_CASE("close from a handler ends the stream") {
  auto [a, b] = test::pipes();
  std::promise<void> closed;
  Peer* self = nullptr;
  Peer::Handlers handlers;
  handlers.notification = [&](std::string_view, const Value&) { self->close(); };
  handlers.closed = [&](const std::string&) { closed.set_value(); };
  Peer left(std::move(a.in), std::move(a.out), handlers);
  self = &left;
  Raw raw{std::move(b), {}};
  raw.message(R"({"jsonrpc":"2.0","method":"end"})");
  closed.get_future().get();
  CHECK_FALSE(left.open());
}

TEST_CASE("an answered error is told from a stream that ended, also where it is transient") {
  auto [a, b] = test::pipes();
  Peer::Handlers handlers;
  handlers.request = [](std::string_view, const Value&, const Peer::Handlers::Answer&,
                        const Peer::Handlers::Refuse& refuse) {
    refuse(kFailed, "the API is down", ProblemCause::transient);
  };
  Peer left(std::move(a.in), std::move(a.out), echo());
  auto right = std::make_unique<Peer>(std::move(b.in), std::move(b.out), std::move(handlers));
  CHECK_THROWS_AS(left.call("ask", {}, in(10s)), Refusal);
  right.reset();
  try {
    left.call("ask", {}, in(10s));
    FAIL("nobody is there to answer");
  } catch (const Refusal&) {
    FAIL("nobody was there to answer");
  } catch (const Failure& failure) {
    CHECK(failure.cause() == ProblemCause::transient);
  }
}
