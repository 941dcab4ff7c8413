#include "providers/aws/http.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/file.h"
#include "base/problem.h"

using namespace gitopsd;
using namespace gitopsd::aws;
using namespace std::chrono_literals;

namespace {

/// Takes one request, a piece at a time, and answers once it has so many bytes.
class SlowServer {
 public:
  SlowServer(std::size_t wanted, std::chrono::milliseconds pause)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_.get(), 1) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this, wanted, pause] { serve(wanted, pause); });
  }
  ~SlowServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);  // the other side may have given up before it came
    thread_.join();
  }
  const std::string& url() const { return url_; }

 private:
  void serve(std::size_t wanted, std::chrono::milliseconds pause) {
    const Fd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.get() < 0) return;
    std::vector<char> piece(16 << 10);
    for (std::size_t read = 0; read < wanted;) {
      const auto count = ::read(connection.get(), piece.data(), piece.size());
      if (count <= 0) return;  // the other side has given up
      read += static_cast<std::size_t>(count);
      std::this_thread::sleep_for(pause);
    }
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    CHECK(::send(connection.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) > 0);
  }

  Fd socket_;
  std::string url_;
  std::thread thread_;
};

constexpr auto kShort = 100ms;

}  // namespace

TEST_CASE("a large body takes the time that its line needs") {
  constexpr std::size_t kBytes = 128 << 10;
  const SlowServer server(kBytes, 30ms);
  Http http;
  CHECK(http.send("PUT", server.url(), {}, std::string(kBytes, 'x'), kShort, {}).status == 200);
}

TEST_CASE("what does not move on is given up, a small body and a larger one") {
  for (const std::size_t bytes : {0, 1000}) {
    const SlowServer server(1 << 20, 0ms);
    Http http;
    CHECK_THROWS_AS(http.send("PUT", server.url(), {}, std::string(bytes, 'x'), kShort, {}), Failure);
  }
}
