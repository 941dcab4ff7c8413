#include "providers/protocol/framing.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/problem.h"
#include "providers/protocol/messages.h"

namespace gitopsd::protocol {
namespace {

constexpr std::size_t kMaxHeader = 1024;
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeaderEnd = "\r\n\r\n";

Failure garbage(std::string message) {
  return fail(ProblemCause::destination, "framing: " + std::move(message),
              "the stream is lost; a provider writes nothing but frames to standard output, its log goes to "
              "standard error");
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::size_t parse_length(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  std::uint64_t length = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    throw garbage("Content-Length is no number of bytes");
  if (length > kMaxFrame)
    throw garbage("a frame of " + std::to_string(length) + " bytes, at most " + std::to_string(kMaxFrame) +
                  " are allowed");
  return static_cast<std::size_t>(length);
}

/// `header` is everything before the empty line.
std::size_t content_length(std::string_view header) {
  std::optional<std::size_t> length;
  while (!header.empty()) {
    auto end = header.find(kLineEnd);
    std::string_view line = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + kLineEnd.size());
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) throw garbage("a header line without a name");
    if (!same_name(line.substr(0, colon), "Content-Length")) continue;  // Content-Type, as LSP allows
    if (length) throw garbage("Content-Length twice");
    length = parse_length(line.substr(colon + 1));
  }
  if (!length) throw garbage("no Content-Length");
  return *length;
}

/// What arrived so far can only be a header if it is printable text; tells a program that prints to standard
/// output at its first byte instead of after a kilobyte.
bool may_be_header(std::string_view bytes) {
  for (char c : bytes)
    if (c != '\r' && c != '\n' && c != '\t' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f))
      return false;
  constexpr std::string_view kFirst = "content-";
  auto head = bytes.substr(0, kFirst.size());
  return same_name(head, kFirst.substr(0, head.size()));
}

}  // namespace

void FrameReader::feed(std::string_view bytes) {
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  } else if (start_ > 64u << 10 && start_ > buffer_.size() / 2) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<std::string> FrameReader::next() {
  std::string_view rest = std::string_view(buffer_).substr(start_);
  if (rest.empty()) return std::nullopt;
  std::string_view head = rest.substr(0, kMaxHeader);
  auto end = head.find(kHeaderEnd);
  if (end == std::string_view::npos) {
    if (!may_be_header(head)) throw garbage("the stream does not begin with Content-Length");
    if (rest.size() >= kMaxHeader) throw garbage("a header of more than 1 KiB");
    return std::nullopt;
  }
  if (!may_be_header(head.substr(0, end))) throw garbage("the stream does not begin with Content-Length");
  std::size_t length = content_length(head.substr(0, end));
  std::size_t body = end + kHeaderEnd.size();
  if (rest.size() - body < length) return std::nullopt;
  std::string payload(rest.substr(body, length));
  start_ += body + length;
  if (start_ == buffer_.size() && buffer_.capacity() > 1u << 20) {
    buffer_ = {};  // one large frame must not cost its size for ever
    start_ = 0;
  }
  return payload;
}

std::string frame(std::string_view payload) {
  if (payload.size() > kMaxFrame)
    throw fail(ProblemCause::internal,
               "a message of " + std::to_string(payload.size()) + " bytes does not fit into a frame of " +
                   std::to_string(kMaxFrame),
               "split the call: ask for fewer resources at once");
  std::string out = "Content-Length: " + std::to_string(payload.size()) + "\r\n\r\n";
  out.append(payload);
  return out;
}

}  // namespace gitopsd::protocol
