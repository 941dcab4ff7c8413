#include "tests/unit/source/server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace gitopsd::source::test {

namespace {

Child start(const std::vector<std::string>& arguments, int output = -1) {
  Command command;
  command.arguments = arguments;
  command.environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1"};
  command.output = output;
  return Child(command);
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  chmod(path.c_str(), 0600);
}

}  // namespace

int bound_socket(int& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

int free_port() {
  int port = 0;
  close(bound_socket(port));
  return port;
}

bool listens(int port) {
  const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

// Between looking for a free port and listening on it somebody else may take it: then a server ends at once.
constexpr int kAttempts = 5;

static bool comes_up(const Child& server, int port) {
  const auto ended = [&] {
    pollfd wait{server.pidfd(), POLLIN, 0};
    return ::poll(&wait, 1, 0) > 0;
  };
  REQUIRE(eventually([&] { return ended() || listens(port); }));
  return !ended();
}

HttpServer::HttpServer(const std::string& root, const std::vector<std::string>& options)
    : log_(root + "/requests-" + std::to_string(free_port())) {
  int out[2];
  REQUIRE(pipe2(out, O_CLOEXEC) == 0);
  const Fd read_end(out[0]);
  Fd write_end(out[1]);
  std::vector<std::string> arguments{
      "/usr/bin/python3", std::string(TEST_FOLDER) + "/http_server.py", "--root", root, "--log", log_};
  arguments.insert(arguments.end(), options.begin(), options.end());
  child_ = start(arguments, write_end.get());
  write_end = Fd();
  std::string line;
  for (char c = 0; read(read_end.get(), &c, 1) == 1 && c != '\n';) line += c;
  REQUIRE_MESSAGE(!line.empty(), "http_server.py did not start");
  port_ = std::stoi(line);
}

std::string HttpServer::url(const std::string& repository, const std::string& scheme) const {
  return scheme + "://127.0.0.1:" + std::to_string(port_) + "/" + repository;
}

std::vector<std::string> HttpServer::requests() const {
  std::ifstream file(log_);
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

GitDaemon::GitDaemon(const std::string& root) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    port_ = free_port();
    child_ = start({"/usr/lib/git-core/git-daemon", "--listen=127.0.0.1", "--port=" + std::to_string(port_),
                    "--export-all", "--base-path=" + root, root});
    if (comes_up(child_, port_)) return;
  }
  FAIL("git-daemon did not get a port");
}

std::string GitDaemon::url(const std::string& repository) const {
  return "git://127.0.0.1:" + std::to_string(port_) + "/" + repository;
}

SshServer::SshServer(const std::string& folder, bool passes_protocol) : folder_(folder) {
  std::filesystem::create_directories(folder_);
  run({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder_ + "/client"});
  run({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder_ + "/stranger"});
  run({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder_ + "/host"});
  std::filesystem::copy_file(folder_ + "/client.pub", folder_ + "/authorized_keys");
  // sshd's privilege separation wants this folder, which the system makes when sshd is started as a service.
  if (geteuid() == 0) std::filesystem::create_directories("/run/sshd");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    port_ = free_port();
    write_file(folder_ + "/known_hosts", host() + " " + read_file(folder_ + "/host.pub"));
    write_file(folder_ + "/sshd_config",
               "ListenAddress 127.0.0.1:" + std::to_string(port_) + "\nHostKey " + folder_ +
                   "/host\nPidFile none\nStrictModes no\nUsePAM no\nAuthorizedKeysFile " + folder_ +
                   "/authorized_keys\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
                   "LogLevel QUIET\n" +
                   (passes_protocol ? "AcceptEnv GIT_PROTOCOL\n" : ""));
    if (start()) return;
  }
  FAIL("sshd did not get a port");
}

bool SshServer::start() {
  child_ = test::start({"/usr/sbin/sshd", "-D", "-f", folder_ + "/sshd_config"});
  return comes_up(child_, port_);
}

std::string SshServer::url(const std::string& path) const {
  return "ssh://" + std::string(getpwuid(geteuid())->pw_name) + "@127.0.0.1:" + std::to_string(port_) + path;
}

Remote SshServer::remote(const std::string& path) const {
  Remote remote = remote_of(url(path));
  remote.ssh_key = folder_ + "/client";
  remote.known_hosts = folder_ + "/known_hosts";
  return remote;
}

void SshServer::change_host_key() {
  run({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder_ + "/other"});
  child_ = Child();  // only for a moment, in which another program could take its port
  std::filesystem::rename(folder_ + "/other", folder_ + "/host");
  std::filesystem::rename(folder_ + "/other.pub", folder_ + "/host.pub");
  REQUIRE(start());
}

std::string SshServer::fingerprint() const {
  std::istringstream words(run({"/usr/bin/ssh-keygen", "-l", "-f", folder_ + "/host.pub"}));
  std::string bits, out;
  words >> bits >> out;
  return out;
}

Listener::Listener(std::function<void(int)> handle) : handle_(std::move(handle)) {
  fd_ = bound_socket(port_);
  REQUIRE(listen(fd_, 16) == 0);
  stop_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] {
    std::vector<Fd> sockets;
    std::vector<std::thread> threads;
    for (;;) {
      pollfd fds[] = {{fd_, POLLIN, 0}, {stop_, POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[1].revents != 0) break;
      sockets.emplace_back(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
      ++connections_;
      threads.emplace_back([this, connection = sockets.back().get()] {
        handle_(connection);
        shutdown(connection, SHUT_RDWR);
      });
    }
    for (const Fd& socket : sockets) shutdown(socket.get(), SHUT_RDWR);
    for (std::thread& thread : threads) thread.join();
  });
}

Listener::~Listener() {
  eventfd_write(stop_, 1);
  thread_.join();
  close(fd_);
  close(stop_);
}

std::string Listener::url(const std::string& scheme) const {
  return scheme + "://127.0.0.1:" + std::to_string(port_) + "/origin";
}

FullBacklog::FullBacklog() : listener_(bound_socket(port_)) {
  REQUIRE(listen(listener_.get(), 0) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  for (int i = 0; i < 4; ++i) {
    fillers_.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    static_cast<void>(connect(fillers_.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  }
}

std::string read_request(int fd) {
  std::string out;
  char byte = 0;
  while (!out.ends_with("\r\n\r\n") && recv(fd, &byte, 1, 0) == 1) out += byte;
  const std::string length = "Content-Length: ";
  const auto at = out.find(length);
  if (at == std::string::npos) return out;
  for (int left = std::atoi(out.c_str() + at + length.size()); left > 0 && recv(fd, &byte, 1, 0) == 1; --left)
    out += byte;
  return out;
}

void send_all(int fd, const std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t put = send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (put <= 0) return;
    at += static_cast<std::size_t>(put);
  }
}

void wait_for_close(int fd) {
  char buffer[4096];
  while (recv(fd, buffer, sizeof buffer, 0) > 0) {
  }
}

void relay(int fd, int port) {
  const Fd other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (connect(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  for (;;) {
    pollfd fds[] = {{fd, POLLIN, 0}, {other.get(), POLLIN, 0}};
    poll(fds, 2, -1);
    for (const int side : {0, 1}) {
      if (fds[side].revents == 0) continue;
      char buffer[65536];
      const ssize_t got = recv(fds[side].fd, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      send_all(fds[1 - side].fd, std::string(buffer, static_cast<std::size_t>(got)));
    }
  }
}

void make_certificate(const std::string& file, const std::string& host, int days) {
  const bool address = host.find_first_not_of("0123456789.") == std::string::npos;
  run({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-days", std::to_string(days), "-subj", "/CN=" + host, "-addext",
       std::string("subjectAltName=") + (address ? "IP:" : "DNS:") + host, "-out", file, "-keyout",
       file + ".key"});
  const std::string certificate = read_file(file);
  write_file(file + ".both", certificate + read_file(file + ".key"));
}

}  // namespace gitopsd::source::test
