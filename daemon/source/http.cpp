#include "daemon/source/http.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/hash.h"
#include "daemon/source/proxy.h"
#include "daemon/source/tls.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kHeaderBytes = 64u << 10;
constexpr std::size_t kBufferBytes = 64u << 10;
/// A connection that was idle for longer may have been forgotten by something on the way, which nobody tells
/// us.
constexpr std::chrono::seconds kReuse{15};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class Number>
bool parse_number(std::string_view text, Number& out, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

Failure garbled(const Operation& operation, std::string_view what) {
  return operation.failure(ProblemCause::transient, "answers with no valid HTTP/1.1: " + std::string(what),
                           "is this the address of a Git server?");
}

}  // namespace

void HttpClient::hang_up() {
  stream_.reset();
  buffer_ = {};
  at_ = 0;
  framing_ = Framing::none;
}

void HttpClient::connect(const Operation& operation) {
  hang_up();
  const Remote& remote = operation.remote();
  const bool tls = origin_.scheme == Scheme::https;
  through_proxy_ = !remote.proxy.empty() && !tls;
  std::unique_ptr<TcpStream> tcp;
  if (remote.proxy.empty()) {
    tcp = connect_tcp(operation, origin_.host, origin_.port);
  } else {
    tcp = connect_proxy(operation, origin_, tls);
  }
  if (tls) {
    stream_ = start_tls(operation, std::move(tcp), origin_.host, remote.ca_file);
  } else {
    stream_ = std::move(tcp);
  }
}

std::string HttpClient::head(const Operation& operation, const HttpRequest& request) const {
  const Remote& remote = operation.remote();
  std::string out;
  out.reserve(4096);  // so that growing leaves no copies of the token behind
  out += request.method;
  out += ' ';
  if (through_proxy_) out += "http://" + origin_.authority();
  out += request.target + " HTTP/1.1\r\nHost: " + origin_.authority() + "\r\nUser-Agent: git/gitopsd-" +
         GITOPSD_VERSION + "\r\n" + request.headers;
  if (!remote.token.empty()) {
    const std::string user = !origin_.user.empty()  ? origin_.user
                             : !remote.user.empty() ? remote.user
                                                    : "git";
    std::string proof = user + ":";
    proof += remote.token.reveal();
    out += "Authorization: Basic " + to_base64(proof) + "\r\n";
    wipe(proof.data(), proof.size());
  }
  if (request.method == "POST") out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return out += "\r\n";
}

HttpResponse HttpClient::send(const Operation& operation, const HttpRequest& request) {
  // What is left of the last answer must go first; more than a little, and a new connection is cheaper.
  char rest[4096];
  for (int i = 0; i < 16 && keep_ && framing_ != Framing::none; ++i) read_body(operation, rest, sizeof rest);
  const bool fresh = Monotonic::now() - last_used_ < kReuse;
  if (!stream_ || !keep_ || !fresh || framing_ != Framing::none || at_ != buffer_.size() || !stream_->quiet())
    connect(operation);
  keep_ = false;
  std::string bytes = head(operation, request);
  if (request.body.size() <= kBufferBytes) {
    bytes += request.body;
    stream_->write(operation, bytes);
  } else {
    stream_->write(operation, bytes);
    stream_->write(operation, request.body);
  }
  wipe(bytes.data(), bytes.size());
  HttpResponse answer = read_head(operation, request.method);
  last_used_ = Monotonic::now();
  return answer;
}

bool HttpClient::fill(const Operation& operation) {
  buffer_.resize(kBufferBytes);
  at_ = 0;
  std::size_t got = 0;
  try {
    got = stream_->read(operation, buffer_.data(), buffer_.size());
  } catch (...) {
    buffer_.clear();
    throw;
  }
  buffer_.resize(got);
  return got > 0;
}

std::string HttpClient::read_line(const Operation& operation, std::size_t& budget) {
  std::string line;
  for (;;) {
    if (at_ == buffer_.size() && !fill(operation))
      throw operation.failure(ProblemCause::transient,
                              "the connection was closed before the answer was whole");
    const std::string_view rest = std::string_view(buffer_).substr(at_);
    const std::size_t end = rest.find('\n');
    const std::size_t part = std::min(end, rest.size());
    if (part >= budget) throw garbled(operation, "headers beyond 64 KiB");
    budget -= part;
    line.append(rest.substr(0, part));
    at_ += part;
    if (end == rest.npos) continue;
    ++at_;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
  }
}

HttpResponse HttpClient::read_head(const Operation& operation, std::string_view method) {
  HttpResponse out;
  std::size_t budget = kHeaderBytes;
  bool chunked = false, length = false, keep = true;
  do {
    const std::string line = read_line(operation, budget);
    if (!line.starts_with("HTTP/1.") || line.size() < 12 ||
        !parse_number(std::string_view(line).substr(9, 3), out.status, 10))
      throw garbled(operation, "\"" + printable(line, 60) + "\"");
    keep = line[7] != '0';
    chunked = length = false;
    for (std::string header = read_line(operation, budget); !header.empty();
         header = read_line(operation, budget)) {
      const auto colon = header.find(':');
      if (colon == std::string::npos) throw garbled(operation, "a header without ':'");
      const std::string name = lower(std::string_view(header).substr(0, colon));
      const std::string_view value = trim(std::string_view(header).substr(colon + 1));
      if (name == "content-length") {
        std::uint64_t given = 0;
        if (!parse_number(value, given, 10) || (length && given != left_))
          throw garbled(operation, "Content-Length");
        left_ = given;
        length = true;
      } else if (name == "transfer-encoding") {
        if (lower(value) != "chunked") throw garbled(operation, "a transfer encoding that nobody asked for");
        chunked = true;
      } else if (name == "connection") {
        if (lower(value).find("close") != std::string::npos) keep = false;
      } else if (name == "content-type") {
        out.content_type = lower(trim(value.substr(0, value.find(';'))));
      } else if (name == "content-encoding" && lower(value) != "identity") {
        throw garbled(operation, "a content encoding that nobody asked for");
      } else if (name == "location") {
        out.location = value;
      }
    }
  } while (out.status >= 100 && out.status < 200);

  if (chunked && length) throw garbled(operation, "both a length and chunks");
  const bool empty = out.status == 204 || out.status == 304 || method == "HEAD";
  framing_ = empty        ? Framing::none
             : chunked    ? Framing::chunked
             : !length    ? Framing::until_close
             : left_ == 0 ? Framing::none
                          : Framing::length;
  if (chunked) left_ = 0;
  first_chunk_ = true;
  keep_ = keep && framing_ != Framing::until_close;
  return out;
}

bool HttpClient::next_chunk(const Operation& operation) {
  std::size_t budget = kHeaderBytes;
  if (!first_chunk_ && !read_line(operation, budget).empty())
    throw garbled(operation, "a chunk without its end");
  first_chunk_ = false;
  const std::string line = read_line(operation, budget);
  if (!parse_number(trim(std::string_view(line).substr(0, line.find(';'))), left_, 16))
    throw garbled(operation, "a chunk without its size");
  if (left_ > 0) return true;
  while (!read_line(operation, budget).empty()) {
  }
  framing_ = Framing::none;
  return false;
}

std::size_t HttpClient::take(const Operation& operation, char* buffer, std::size_t size) {
  if (at_ == buffer_.size() && !fill(operation)) return 0;
  const std::size_t part = std::min(size, buffer_.size() - at_);
  std::memcpy(buffer, buffer_.data() + at_, part);
  at_ += part;
  return part;
}

std::size_t HttpClient::read_body(const Operation& operation, char* buffer, std::size_t size) {
  if (framing_ == Framing::none) return 0;
  if (framing_ == Framing::chunked && left_ == 0 && !next_chunk(operation)) return 0;
  if (framing_ == Framing::until_close) {
    const std::size_t got = take(operation, buffer, size);
    if (got == 0) framing_ = Framing::none;
    return got;
  }
  const std::size_t got =
      take(operation, buffer, static_cast<std::size_t>(std::min<std::uint64_t>(size, left_)));
  if (got == 0)
    throw operation.failure(ProblemCause::transient, "the connection was closed in the middle of an answer");
  left_ -= got;
  if (left_ == 0 && framing_ == Framing::length) framing_ = Framing::none;
  return got;
}

}  // namespace gitopsd::source
