#include "daemon/source/proxy.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kAnswerBytes = 16u << 10;

Address proxy_address(const Remote& remote) {
  std::string url = remote.proxy;
  while (!url.empty() && url.back() == '/') url.pop_back();
  // A proxy has no path; the parser wants one.
  Address out = parse_address(remote.name, url + "/proxy");
  if (out.scheme != Scheme::http)
    throw fail(ProblemCause::input,
               "repository " + remote.name.str() + ": proxy: only HTTP proxies are known",
               "write http://HOST:PORT");
  return out;
}

/// Byte by byte: what follows the headers belongs to the tunnel.
std::string read_answer(const Operation& operation, TcpStream& stream) {
  std::string answer;
  while (!answer.ends_with("\r\n\r\n")) {
    char byte = 0;
    if (stream.read(operation, &byte, 1) == 0 || answer.size() >= kAnswerBytes)
      throw operation.failure(ProblemCause::transient, "the proxy gave no whole answer to CONNECT");
    answer += byte;
  }
  return answer;
}

}  // namespace

std::unique_ptr<TcpStream> connect_proxy(const Operation& operation, const Address& origin, bool tunnel) {
  const Address proxy = proxy_address(operation.remote());
  const Operation via(operation, "proxy " + proxy.place());
  auto stream = connect_tcp(via, proxy.host, proxy.port);
  if (!tunnel) return stream;
  stream->write(via, "CONNECT " + origin.place() + " HTTP/1.1\r\nHost: " + origin.place() + "\r\n\r\n");
  const std::string answer = read_answer(via, *stream);
  if (answer.starts_with("HTTP/1.") && answer.size() > 12 && answer[9] == '2') return stream;
  const bool denied = answer.size() > 12 && (answer.substr(9, 3) == "407" || answer.substr(9, 3) == "403");
  throw via.failure(denied ? ProblemCause::permission : ProblemCause::transient,
                    "refuses a tunnel to " + origin.place() + ": " +
                        printable(std::string_view(answer).substr(0, answer.find('\r')), 100),
                    "let the proxy allow CONNECT to that host and port, or remove `proxy`");
}

}  // namespace gitopsd::source
