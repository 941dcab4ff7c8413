#include <doctest/doctest.h>

#include "base/problem.h"
#include "providers/protocol/framing.h"
#include "providers/protocol/messages.h"

using namespace gitopsd;
using namespace gitopsd::protocol;

namespace {

bool lost(std::string_view bytes) {
  FrameReader reader;
  reader.feed(bytes);
  try {
    while (reader.next()) {
    }
    return false;
  } catch (const Failure& e) {
    CHECK(e.cause() == ProblemCause::destination);
    return true;
  }
}

}  // namespace

TEST_CASE("frames come out whole however the bytes arrive") {
  const std::string stream =
      frame("{\"a\":1}") + frame("") + frame(std::string(300'000, 'x')) + frame("last");
  for (std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{65'536}, stream.size()}) {
    FrameReader reader;
    std::vector<std::string> out;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.feed(std::string_view(stream).substr(at, piece));
      while (auto payload = reader.next()) out.push_back(*payload);
    }
    REQUIRE(out.size() == 4);
    CHECK(out[0] == "{\"a\":1}");
    CHECK(out[1].empty());
    CHECK(out[2].size() == 300'000);
    CHECK(out[3] == "last");
  }
}

TEST_CASE("other headers and any case are allowed") {
  FrameReader reader;
  reader.feed("content-length:  2 \r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}");
  CHECK(reader.next() == "{}");
}

TEST_CASE("garbage ends the stream") {
  CHECK(lost("hello from a print statement\n"));
  CHECK(lost("Content-Length: -1\r\n\r\n"));
  CHECK(lost("Content-Length: 0x10\r\n\r\n"));
  CHECK(lost("Content-Length: \r\n\r\n"));
  CHECK(lost("Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"));
  CHECK(lost("Content-Type: x\r\n\r\n"));
  CHECK(lost("Content-Length: 2\r\nno colon\r\n\r\n{}"));
  CHECK(lost("Content-Length: 99999999999999999999\r\n\r\n"));
  CHECK(lost("Content-Length: " + std::to_string(kMaxFrame + 1) + "\r\n\r\n"));
  CHECK(lost("Content-Length: " + std::string(1024, ' ')));
  CHECK(lost(std::string("Content\0Length", 14)));
  CHECK_FALSE(lost("Content-Length: " + std::to_string(kMaxFrame) + "\r\n\r\n"));
  CHECK_FALSE(lost("Content-Len"));
}

TEST_CASE("a message over the limit is not framed") {
  CHECK_NOTHROW(frame(std::string(kMaxFrame, 'x')));
  CHECK_THROWS_AS(frame(std::string(kMaxFrame + 1, 'x')), Failure);
}
