// The door's parts that need no network.
#include <doctest/doctest.h>

#include <string>

#include "daemon/server/address.h"
#include "daemon/server/answer.h"
#include "daemon/server/clients.h"
#include "daemon/server/head.h"
#include "daemon/server/input.h"

using namespace gitopsd;
using namespace gitopsd::server;
using namespace std::chrono_literals;

TEST_CASE("Addresses in either form are equal, and ranges hold what they say") {
  CHECK(Address::parse("::ffff:192.0.2.1") == Address::parse("192.0.2.1"));
  CHECK(Address::parse("192.0.2.1")->str() == "192.0.2.1");
  CHECK(Address::parse("[2001:DB8::1]")->str() == "2001:db8::1");
  for (const char* text : {"", "localhost", "1.2.3", "1.2.3.4.5", "[::1", "::g", "256.1.1.1", "1.2.3.4 "})
    CHECK_FALSE(Address::parse(text));
  CHECK(Address::parse("2001:db8::1")->counted() == Address::parse("2001:db8::ffff")->counted());
  CHECK(Address::parse("2001:db8::1")->counted() != Address::parse("2001:db8:0:1::1")->counted());
  CHECK(Address::parse("192.0.2.1")->counted() != Address::parse("192.0.2.2")->counted());
  const auto holds = [](const char* range, const char* address) {
    return AddressRange::parse(range)->contains(*Address::parse(address));
  };
  CHECK(holds("10.0.0.0/8", "10.255.1.2"));
  CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  CHECK(holds("10.128.0.0/9", "10.200.0.1"));
  CHECK_FALSE(holds("10.128.0.0/9", "10.100.0.1"));
  CHECK(holds("0.0.0.0/0", "1.2.3.4"));
  CHECK_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  CHECK(holds("2001:db8::/32", "2001:db8:1::1"));
  CHECK(holds("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(holds("192.0.2.1", "192.0.2.2"));
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "::/129"})
    CHECK_FALSE(AddressRange::parse(text));
}

TEST_CASE("Failed proofs leak away evenly") {
  Clients clients;
  clients.set_limits(2, 60);
  const auto a = *Address::parse("192.0.2.1"), b = *Address::parse("192.0.2.2");
  Monotonic::time_point now{1h};
  for (int i = 0; i < 60; ++i) {
    CHECK(clients.blocked(a, now) == 0);
    clients.failed_proof(a, now);
  }
  CHECK(clients.blocked(a, now) == 1);
  CHECK(clients.blocked(b, now) == 0);
  CHECK(clients.blocked(a, now + 1100ms) == 0);
  CHECK(clients.size() == 1);
  clients.forget_idle(now + 30s);
  CHECK(clients.size() == 1);
  clients.forget_idle(now + 61s);
  CHECK(clients.size() == 0);
}

TEST_CASE("Connections of one address are counted and forgotten") {
  Clients clients;
  clients.set_limits(2, 60);
  const auto a = *Address::parse("2001:db8::1"), same_network = *Address::parse("2001:db8::2");
  CHECK(clients.enter(a));
  CHECK(clients.enter(same_network));
  CHECK_FALSE(clients.enter(a));
  clients.leave(a);
  CHECK(clients.enter(a));
  clients.leave(a);
  clients.leave(same_network);
  CHECK(clients.size() == 0);
}

TEST_CASE("A million forging addresses do not grow the table without bound") {
  Clients clients;
  clients.set_limits(2, 60);
  const Monotonic::time_point now{1h};
  for (int i = 0; i < 300'000; ++i)
    clients.failed_proof(*Address::parse("10." + std::to_string(i >> 16) + "." +
                                         std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255)),
                         now);
  CHECK(clients.size() <= 1u << 16);
}

TEST_CASE("A head is found wherever its pieces were cut") {
  const std::string text = "POST / HTTP/1.1\r\nA: b\r\n\r\nbody\r\n\r\n";
  const std::size_t end = text.find("body");
  for (std::size_t seen = 0; seen <= end; ++seen) {
    const bool whole_before = seen >= end;
    if (!whole_before) CHECK(head_size(text, seen) == end);
  }
  CHECK(head_size(text.substr(0, end - 1), 0) == 0);
}

TEST_CASE("A head's fields are views of its bytes") {
  const std::string text =
      "POST /hooks/x?y=z HTTP/1.1\r\nHost: a\r\nX-B:  c d \r\nContent-Length: 5\r\nExpect: "
      "100-Continue\r\n\r\n";
  Head head;
  REQUIRE(parse_head(text, head));
  CHECK(head.method == "POST");
  CHECK(path_of(head.target) == "/hooks/x");
  CHECK(head.headers.find("x-b") == "c d");
  CHECK(head.content_length == 5u);
  CHECK(head.keep_alive);
  CHECK(head.expects_continue);
  REQUIRE(parse_head("GET / HTTP/1.0\r\n\r\n", head));
  CHECK(head.headers.fields().empty());
  CHECK_FALSE(head.content_length);
  CHECK_FALSE(head.keep_alive);
  CHECK_FALSE(head.expects_continue);
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", head));
}

TEST_CASE("Input keeps bytes across suspensions and gives memory back") {
  Budget budget;
  budget.set_limit(10'000);
  char scratch[64];
  {
    Input input(budget, scratch);
    auto space = input.space(0);
    CHECK(space.data() == scratch);
    std::copy_n("hello world", 11, space.data());
    input.received(11);
    CHECK(budget.used() == 0);
    input.consume(6);
    REQUIRE(input.keep());
    std::fill(std::begin(scratch), std::end(scratch), '!');
    CHECK(input.bytes() == "world");
    CHECK(budget.used() == 4096);
    space = input.space(7);
    CHECK(space.size() == 2);
    std::copy_n("!?", 2, space.data());
    input.received(2);
    CHECK(input.bytes() == "world!?");
    input.consume(7);
    CHECK(budget.used() == 0);
    CHECK(input.space(0).data() == scratch);
    input.received(1);
    REQUIRE(input.keep());
    std::size_t got = 1;
    for (auto more = input.space(0); !more.empty(); more = input.space(0)) {
      std::fill(more.begin(), more.end(), 'x');
      input.received(more.size());
      got += more.size();
    }
    CHECK(got == 8192);  // twice as much is beyond the limit
    CHECK(input.bytes().size() == got);
  }
  CHECK(budget.used() == 0);
}

TEST_CASE("Answers are well-formed") {
  std::string out;
  Answer answer = refuse(429, "slow \"down\"\n");
  answer.retry_after = 7;
  write_response(answer, false, false, "Tue, 24 Nov 2026 08:15:30 GMT", out);
  CHECK(out ==
        "HTTP/1.1 429 Too Many Requests\r\nDate: Tue, 24 Nov 2026 08:15:30 GMT\r\nContent-Type: "
        "application/json\r\n"
        "Content-Length: " +
            std::to_string(answer.body.size()) +
            "\r\nRetry-After: 7\r\nConnection: close\r\n\r\n{\"error\":\"slow \\\"down\\\"\\n\"}\n");
  CHECK(http_date(1'795'508'130'000'000) == "Tue, 24 Nov 2026 08:15:30 GMT");
  CHECK(accepted_answer({EventId{7}}).body == "{\"event\":7,\"link\":\"/v1/events/7\"}\n");
  std::string json;
  append_json_text(json, std::string_view("a\"\\\x01\xff\0", 6));
  CHECK(json == "\"a\\\"\\\\\\u0001\\u00ff\\u0000\"");
}
