// Servers that are broken or mean no good: each costs a bounded time, and no credential.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "base/file.h"
#include "tests/unit/source/server.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;
using namespace std::chrono_literals;

namespace {

Remote hasty(const std::string& url) {
  Remote remote = remote_of(url);
  remote.token = Secret("s3cret-token-of-the-test");
  remote.connect_timeout = remote.idle_timeout = remote.total_timeout = 300ms;
  return remote;
}

/// For what has nothing to do with time.
Remote patient(const std::string& url) {
  Remote remote = hasty(url);
  remote.connect_timeout = remote.idle_timeout = remote.total_timeout = 60s;
  return remote;
}

/// Every single answer may take its time.
Remote with_deadline(const std::string& url) {
  Remote remote = patient(url);
  remote.total_timeout = 1500ms;
  return remote;
}

struct Attempt {
  Failure failure;
  std::chrono::milliseconds took;
};

Attempt attempt(const Remote& remote, const Cancel& cancel = never) {
  Folder folder;
  const auto mirror = open_mirror(folder / "mirror");
  const auto began = Monotonic::now();
  Failure failure = failure_of([&] { mirror->fetch(remote, main_ref(), std::nullopt, cancel); });
  const std::string text = failure.what();
  CHECK_FALSE(contains(text, "s3cret"));
  CHECK_MESSAGE(contains(text, "repository web"), text);
  CHECK_MESSAGE(contains(text, "127.0.0.1"), text);
  return {failure, std::chrono::duration_cast<std::chrono::milliseconds>(Monotonic::now() - began)};
}

std::string http(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string packet(const std::string& data) {
  char size[5];
  std::snprintf(size, sizeof size, "%04zx", data.size() + 4);
  return size + data;
}

const std::string kAdvertisement =
    http("200 OK", "Content-Type: application/x-git-upload-pack-advertisement\r\n",
         packet("version 2\n") + packet("ls-refs\n") + packet("fetch\n") + packet("object-format=sha1\n") +
             "0000");

std::string result(const std::string& body) {
  return http("200 OK", "Content-Type: application/x-git-upload-pack-result\r\n", body);
}

const std::string kTip = "1234567890123456789012345678901234567890";

/// Gives these answers, one a request, on every connection.
std::function<void(int)> script(std::vector<std::string> answers) {
  return [answers](int fd) {
    for (const std::string& answer : answers) {
      if (read_request(fd).empty()) return;
      send_all(fd, answer);
    }
  };
}

std::vector<std::string> until_pack(const std::string& pack_answer) {
  return {kAdvertisement, result(packet(kTip + " refs/heads/main\n") + "0000"), pack_answer};
}

}  // namespace

TEST_CASE("a server that accepts and says nothing costs the idle timeout") {
  Listener server(wait_for_close);
  for (const char* scheme : {"http", "https", "git"}) {
    CAPTURE(scheme);
    Remote remote = hasty(server.url(scheme));
    remote.total_timeout = 60s;  // a slow machine may need a while to get to where it waits
    const Attempt tried = attempt(remote);
    CHECK(tried.failure.cause() == ProblemCause::transient);
    CHECK_MESSAGE(contains(tried.failure.what(), "no answer for 300 ms"), tried.failure.what());
    CHECK(tried.took >= 290ms);
    CHECK(tried.took < 10s);
  }
}

TEST_CASE("a server that drips bytes costs the total timeout") {
  Listener server([](int fd) {
    read_request(fd);
    for (const char c : "HTTP/1.1 200 OK\r\nX: " + std::string(1000, 'x')) {
      if (send(fd, &c, 1, MSG_NOSIGNAL) != 1) return;
      usleep(50'000);
    }
  });
  const Attempt tried = attempt(with_deadline(server.url()));
  CHECK(tried.failure.cause() == ProblemCause::transient);
  CHECK_MESSAGE(contains(tried.failure.what(), "total_timeout"), tried.failure.what());
  CHECK(tried.took >= 1400ms);
  CHECK(tried.took < 15s);
}

TEST_CASE("a server that drips packets costs the total timeout") {
  Listener server([](int fd) {
    read_request(fd);
    send_all(fd, kAdvertisement);
    read_request(fd);
    send_all(fd, result(packet(kTip + " refs/heads/main\n") + "0000"));
    read_request(fd);
    send_all(fd,
             "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\nContent-Length: "
             "9999999\r\n\r\n" +
                 packet("packfile\n"));
    while (send(fd, "0006\2.", 6, MSG_NOSIGNAL) == 6) usleep(20'000);
  });
  const Attempt tried = attempt(with_deadline(server.url()));
  CHECK_MESSAGE(contains(tried.failure.what(), "total_timeout"), tried.failure.what());
  CHECK(tried.took < 15s);
}

TEST_CASE("a host that does not take the connection costs the connect timeout") {
  // One connection fills a backlog of none; the next is left without an answer.
  const FullBacklog full;
  Remote remote = patient("http://127.0.0.1:" + std::to_string(full.port()) + "/origin");
  remote.connect_timeout = 300ms;
  const Attempt tried = attempt(remote);
  CHECK(tried.failure.cause() == ProblemCause::transient);
  CHECK_MESSAGE(contains(tried.failure.what(), "while connecting"), tried.failure.what());
  CHECK(tried.took < 10s);
}

TEST_CASE("a port where nobody listens is told at once") {
  int port = 0;
  const Fd kept(bound_socket(port));  // so that nobody else listens there, either
  const Attempt tried = attempt(patient("http://127.0.0.1:" + std::to_string(port) + "/origin"));
  CHECK(tried.failure.cause() == ProblemCause::transient);
  CHECK_MESSAGE(contains(tried.failure.what(), "ECONNREFUSED"), tried.failure.what());
  CHECK(tried.took < 5s);
}

TEST_CASE("a redirect is refused, and the other host sees nothing") {
  Listener other(wait_for_close);
  for (const char* status :
       {"301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"}) {
    Listener server(script({http(status, "Location: " + other.url() + "/info/refs?secret=1\r\n", "")}));
    const Attempt tried = attempt(patient(server.url()));
    CHECK(tried.failure.cause() == ProblemCause::input);
    CHECK_MESSAGE(
        contains(tried.failure.what(), "redirects to http://127.0.0.1:" + std::to_string(other.port())),
        tried.failure.what());
    CHECK_FALSE(contains(tried.failure.what(), "secret=1"));
  }
  CHECK(other.connections() == 0);
}

TEST_CASE("a redirect in the middle of the fetch is refused as well") {
  Listener other(wait_for_close);
  Listener server(
      script({kAdvertisement, http("307 Temporary Redirect", "Location: " + other.url() + "\r\n", "")}));
  CHECK(attempt(patient(server.url())).failure.cause() == ProblemCause::input);
  CHECK(other.connections() == 0);
}

TEST_CASE("a wrong credential is sent once and named as such") {
  std::atomic<int> proofs{0};
  Listener server([&](int fd) {
    for (std::string request = read_request(fd); !request.empty(); request = read_request(fd)) {
      if (contains(request, "Authorization: Basic ")) ++proofs;
      send_all(fd, http("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""));
    }
  });
  Remote remote = patient(server.url());
  auto failure = attempt(remote).failure;
  CHECK(failure.cause() == ProblemCause::permission);
  CHECK_MESSAGE(contains(failure.what(), "refuses the credentials"), failure.what());
  CHECK(proofs == 1);

  remote.token = Secret();
  failure = attempt(remote).failure;
  CHECK(failure.cause() == ProblemCause::permission);
  CHECK_MESSAGE(contains(failure.what(), "set `token`"), failure.what());
  CHECK(proofs == 1);
}

TEST_CASE("answers that are no Git server's say so by their cause") {
  const std::string html = http("200 OK", "Content-Type: text/html\r\n", "<html>");
  const struct {
    std::string answer;
    ProblemCause cause;
    const char* says;
  } cases[] = {
      {http("403 Forbidden", "", ""), ProblemCause::permission, "403"},
      {http("404 Not Found", "", ""), ProblemCause::permission, "404"},
      {http("429 Too Many Requests", "", ""), ProblemCause::transient, "429"},
      {http("500 Oops", "", ""), ProblemCause::transient, "500"},
      {http("400 Bad Request", "", ""), ProblemCause::input, "400"},
      {html, ProblemCause::input, "text/html"},
      {"SSH-2.0-OpenSSH_9.2\r\n", ProblemCause::transient, "no valid HTTP"},
      {"HTTP/1.1 200 OK\r\n" + std::string(100'000, 'x'), ProblemCause::transient, "64 KiB"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", ProblemCause::transient,
       "Content-Length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", ProblemCause::transient,
       "chunks"},
      {kAdvertisement.substr(0, kAdvertisement.size() - 20), ProblemCause::transient, "closed"},
      {http("200 OK", "Content-Type: application/x-git-upload-pack-advertisement\r\n", "zzzz"),
       ProblemCause::transient, "not Git's protocol"},
      {http("200 OK", "Content-Type: application/x-git-upload-pack-advertisement\r\n",
            packet("ERR no such thing")),
       ProblemCause::permission, "no such thing"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.answer.substr(0, 80));
    Listener server(script({c.answer}));
    const Attempt tried = attempt(patient(server.url()));
    CHECK(tried.failure.cause() == c.cause);
    CHECK_MESSAGE(contains(tried.failure.what(), c.says), tried.failure.what());
    CHECK(tried.took < 10s);
  }
}

TEST_CASE("a pack that is broken, absent or cut off is a failure and leaves nothing behind") {
  const auto sideband = [](const std::string& bytes) { return packet("\1" + bytes); };
  const std::string answers[] = {
      result(packet("packfile\n") + sideband("PACK this is none") + "0000"),
      result(packet("packfile\n") + sideband(std::string("PACK\0\0\0\2\xff\xff\xff\xff", 12)) + "0000"),
      result(packet("packfile\n") + "0000"),
      result(packet("packfile\n") + packet("\3out of memory") + "0000"),
      result(packet("packfile\n") + sideband("PACK")).substr(0, 150),
  };
  for (const std::string& answer : answers) {
    Listener server(script(until_pack(answer)));
    Folder folder;
    const auto mirror = open_mirror(folder / "mirror");
    const auto failure =
        failure_of([&] { mirror->fetch(patient(server.url()), main_ref(), std::nullopt, never); });
    CHECK_MESSAGE(failure.cause() == ProblemCause::transient, failure.what());
    CHECK_FALSE(mirror->has(id(kTip)));
    CHECK(run({"/usr/bin/find", folder.path(), "-path", "*/objects/pack/*"}).empty());
  }
}

TEST_CASE("a fetch ends soon after it is asked to") {
  std::atomic<bool> reached{false};
  Listener server([&](int fd) {
    read_request(fd);
    reached = true;
    wait_for_close(fd);
  });
  Remote remote = patient(server.url());
  Cancel cancel;
  std::thread asker([&] {
    eventually([&] { return reached.load(); });
    cancel.request();
  });
  const Attempt tried = attempt(remote, cancel);
  asker.join();
  CHECK(tried.failure.cause() == ProblemCause::transient);
  CHECK_MESSAGE(contains(tried.failure.what(), "asked to stop"), tried.failure.what());
  CHECK(tried.took < 20s);
}

TEST_CASE("a certificate that is not trusted ends it before anything is sent") {
  Folder folder;
  make_certificate(folder / "right.pem", "127.0.0.1");
  make_certificate(folder / "other-name.pem", "git.example.com");
  make_certificate(folder / "other.pem", "127.0.0.1");
  HttpServer right(folder.path(), {"--certificate", folder / "right.pem.both"});
  HttpServer wrong_name(folder.path(), {"--certificate", folder / "other-name.pem.both"});
  Origin origin(folder / "origin");
  const CommitId tip = origin.commit({{"a", "a"}});

  Remote remote = hasty(right.url("origin", "https"));
  remote.connect_timeout = remote.idle_timeout = remote.total_timeout = 30s;
  SUBCASE("its authority is not among the system's") {}
  SUBCASE("it is another one of the same name") {
    remote.ca_file = folder / "other.pem";
  }
  SUBCASE("it is for another host") {
    remote.url = wrong_name.url("origin", "https");
    remote.ca_file = folder / "other-name.pem";
  }
  const auto failure = attempt(remote).failure;
  CHECK(failure.cause() == ProblemCause::permission);
  CHECK_MESSAGE(contains(failure.what(), "certificate is not trusted"), failure.what());
  CHECK(right.requests().empty());
  CHECK(wrong_name.requests().empty());

  remote.url = right.url("origin", "https");
  remote.ca_file = folder / "right.pem";
  CHECK(open_mirror(folder / "mirror")->fetch(remote, main_ref(), std::nullopt, never).tip == tip);
}

TEST_CASE("a ca_file that is none is an input failure") {
  Listener server(wait_for_close);
  Remote remote = hasty(server.url("https"));
  remote.ca_file = "/nonexistent.pem";
  const auto failure = attempt(remote).failure;
  CHECK(failure.cause() == ProblemCause::input);
  CHECK_MESSAGE(contains(failure.what(), "/nonexistent.pem"), failure.what());
}
