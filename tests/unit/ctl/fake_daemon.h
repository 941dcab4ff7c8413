// A daemon that gives prepared answers on a Unix socket, for one client at a time, and keeps what it was
// asked.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace gitopsd::test {

inline std::string http_answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// A chunked answer; each part is a chunk of its own, wherever lines end.
inline std::string http_stream(const std::vector<std::string>& parts, bool whole = true) {
  std::string out =
      "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& part : parts) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    out += size + part + "\r\n";
  }
  return whole ? out + "0\r\n\r\n" : out;
}

class FakeDaemon {
 public:
  /// One connection an answer, in this order; an empty answer leaves the client waiting until the end.
  explicit FakeDaemon(std::vector<std::string> answers) : answers_(std::move(answers)) {
    std::string directory = (std::filesystem::temp_directory_path() / "gitopsd-ctl-XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    directory_ = directory;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_.get(), 8) != 0) {
      throw std::runtime_error("no socket");
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeDaemon() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(directory_);
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  std::string socket() const { return directory_ + "/s"; }
  /// The requests so far, whole.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    for (const auto& answer : answers_) {
      Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      read_request(client.get());
      (void)!::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      if (answer.empty()) waiting_.push_back(std::move(client));
    }
  }
  void read_request(int client) {
    std::string request;
    char bytes[4096];
    while (!complete(request)) {
      const auto count = ::read(client, bytes, sizeof bytes);
      if (count <= 0) break;
      request.append(bytes, static_cast<std::size_t>(count));
    }
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  static bool complete(const std::string& request) {
    const auto head = request.find("\r\n\r\n");
    if (head == request.npos) return false;
    const auto length = request.find("Content-Length: ");
    const std::size_t body = length < head ? std::stoul(request.substr(length + 16)) : 0;
    return request.size() >= head + 4 + body;
  }

  std::vector<std::string> answers_;
  std::string directory_;
  Fd listener_;
  std::vector<Fd> waiting_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace gitopsd::test
