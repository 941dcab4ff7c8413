#include "ctl/client.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "ctl/unix_stream.h"

namespace gitopsd::ctl {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t kAnswerBytes = 256u << 20;  // of one answer
constexpr std::size_t kMostLine = 1u << 20;       // of a stream

[[noreturn]] void ended(const std::string& socket, const std::string& why) {
  throw Unreachable("the daemon at " + socket + " ended the conversation: " + why);
}

std::string why(const boost::system::error_code& error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message)
    return "it closed the connection";
  return error.message();
}

Value parsed(const std::string& body, const std::string& socket) {
  try {
    return parse_json(body, "answer");
  } catch (const Failure&) {
    ended(socket, "its answer is no JSON; is it another program's socket?");
  }
}

void send(UnixStream& stream, http::verb verb, const std::string& target, const std::string& body) {
  http::request<http::string_body> request(verb, target, 11);
  request.set(http::field::host, "gitopsd");
  request.set(http::field::user_agent, "gitopsctl/" GITOPSD_VERSION);
  request.set(http::field::connection, "close");
  if (verb == http::verb::post) {
    request.set(http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
  }
  boost::system::error_code error;
  http::write(stream, request, error);
  if (error) ended(stream.path(), why(error));
}

Value call(const std::string& socket, http::verb verb, const std::string& target, const std::string& body,
           std::chrono::seconds patience) {
  UnixStream stream(socket, Monotonic::now() + patience);
  send(stream, verb, target, body);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerBytes);
  boost::system::error_code error;
  http::read(stream, buffer, parser, error);
  if (error) ended(socket, why(error));
  auto answer = parsed(parser.get().body(), socket);
  const int status = static_cast<int>(parser.get().result_int());
  if (status < 200 || status > 299) throw Refused(status, std::move(answer));
  return answer;
}

// Hands over the complete lines of what has come; false when `line` has seen enough.
bool take_lines(std::string& pending, const std::string& socket,
                const std::function<bool(const Value&)>& line) {
  std::size_t from = 0;
  for (auto end = pending.find('\n'); end != pending.npos; end = pending.find('\n', from)) {
    const auto text = pending.substr(from, end - from);
    from = end + 1;
    if (!text.empty() && !line(parsed(text, socket))) return false;
  }
  pending.erase(0, from);
  if (pending.size() > kMostLine) ended(socket, "a line is too long");
  return true;
}

}  // namespace

Refused::Refused(int status, Value answer)
    : std::runtime_error("HTTP status " + std::to_string(status)),
      status_(status),
      answer_(std::move(answer)) {}

Value Client::get(const std::string& target) const {
  return call(socket_, http::verb::get, target, "", std::chrono::seconds(60));
}

Value Client::post(const std::string& target, const Value& body, std::chrono::seconds patience) const {
  return call(socket_, http::verb::post, target, to_json(body), patience);
}

bool Client::lines(const std::string& target, const std::function<bool(const Value&)>& line,
                   Deadline until) const {
  UnixStream stream(socket_, until);
  send(stream, http::verb::get, target, "");
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  boost::system::error_code error;
  http::read_header(stream, buffer, parser, error);
  if (error == boost::asio::error::timed_out) return false;
  if (error) ended(socket_, why(error));
  const int status = static_cast<int>(parser.get().result_int());

  std::string pending;
  std::array<char, 8192> chunk{};
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = chunk.data();
    body.size = chunk.size();
    http::read_some(stream, buffer, parser, error);
    pending.append(chunk.data(), chunk.size() - body.size);
    if (status == 200 && !take_lines(pending, socket_, line)) return true;
    if (error == http::error::need_buffer) continue;
    if (error == boost::asio::error::timed_out) return false;
    if (error) ended(socket_, why(error));
  }
  if (status != 200) throw Refused(status, parsed(pending, socket_));
  return true;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != plain.npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

std::string target(std::string path, std::initializer_list<std::pair<std::string_view, std::string>> query) {
  char mark = '?';
  for (const auto& [key, value] : query) {
    if (value.empty()) continue;
    path += mark;
    path += std::string(key) + "=" + percent_encoded(value);
    mark = '&';
  }
  return path;
}

}  // namespace gitopsd::ctl
