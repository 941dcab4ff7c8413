#include "tests/unit/api/client.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>

#include "base/json.h"
#include "tests/unit/slower.h"

namespace gitopsd::api {
namespace {

Fd connected(const sockaddr* address, socklen_t size) {
  Fd out(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{30L * gitopsd::test::kSlower, 0};
  setsockopt(out.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(out.get(), address, size) != 0) throw std::runtime_error("connect: " + errno_text(errno));
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

Client Client::to_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return Client(connected(reinterpret_cast<sockaddr*>(&address), sizeof address));
}

Client Client::to_port(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return Client(connected(reinterpret_cast<sockaddr*>(&address), sizeof address));
}

Answer Client::get(const std::string& target) {
  send("GET " + target + " HTTP/1.1\r\nHost: gitopsd\r\n\r\n");
  return read_answer();
}

Answer Client::post(const std::string& target, const std::string& body, const std::string& type) {
  send("POST " + target + " HTTP/1.1\r\nHost: gitopsd\r\nContent-Type: " + type +
       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  return read_answer();
}

void Client::send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto count = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) throw std::runtime_error("send: " + errno_text(errno));
    sent += static_cast<std::size_t>(count);
  }
}

bool Client::fill() {
  char bytes[16384];
  const auto count = recv(socket_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == ECONNRESET) return false;  // closed with bytes of ours unread
  if (count < 0) throw std::runtime_error("recv: " + errno_text(errno));
  buffer_.append(bytes, static_cast<std::size_t>(count));
  return count > 0;
}

std::string Client::read_line() {
  auto end = buffer_.find("\r\n");
  for (; end == std::string::npos; end = buffer_.find("\r\n")) {
    if (!fill()) throw std::runtime_error("closed in the middle of a line");
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::string Client::read_bytes(std::size_t count) {
  while (buffer_.size() < count) {
    if (!fill()) throw std::runtime_error("closed in the middle of a body");
  }
  std::string bytes = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return bytes;
}

Answer Client::read_head() {
  Answer answer;
  const std::string first = read_line();
  answer.status = std::stoi(first.substr(first.find(' ') + 1));
  for (std::string line = read_line(); !line.empty(); line = read_line()) {
    const auto colon = line.find(':');
    answer.headers[lower(line.substr(0, colon))] = line.substr(line.find_first_not_of(' ', colon + 1));
  }
  return answer;
}

std::string Client::read_chunk() {
  const auto size = std::stoul(read_line(), nullptr, 16);
  std::string bytes = read_bytes(size);
  read_line();
  return bytes;
}

Answer Client::read_answer() {
  Answer answer = read_head();
  if (answer.headers.contains("transfer-encoding")) {
    for (std::string chunk = read_chunk(); !chunk.empty(); chunk = read_chunk()) answer.text += chunk;
  } else {
    answer.text = read_bytes(std::stoul(answer.headers.at("content-length")));
  }
  if (answer.headers["content-type"] == "application/json") answer.body = parse_json(answer.text);
  return answer;
}

bool Client::was_read() const {
  int waiting = 0;
  return ioctl(socket_.get(), SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

bool Client::closed() {
  return buffer_.empty() && !fill();
}

}  // namespace gitopsd::api
