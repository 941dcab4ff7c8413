#include "daemon/server/head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <functional>

namespace gitopsd::server {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

std::string_view std_view(string_view text) {
  return {text.data(), text.size()};
}

/// Collects views; a value that is not within the input was unfolded into a buffer that is about to go.
class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser(std::string_view bytes, Head& head) : bytes_(bytes), head_(head) {
    eager(false);
    header_limit(static_cast<std::uint32_t>(bytes.size()));
    body_limit(boost::none);
  }

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int, error_code&) override {
    head_.method = std_view(method);
    head_.target = std_view(target);
  }
  void on_field_impl(http::field name, string_view name_text, string_view value, error_code& error) override {
    const std::less<const char*> before;
    if (!value.empty() &&
        (before(value.data(), bytes_.data()) || !before(value.data(), bytes_.data() + bytes_.size()))) {
      error = http::error::bad_field;
      return;
    }
    if (name == http::field::transfer_encoding) head_.transfer_encoding = true;
    if (name == http::field::expect)
      head_.expects_continue = handlers::same_name(std_view(value), "100-continue");
    head_.headers.add(std_view(name_text), std_view(value));
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  std::string_view bytes_;
  Head& head_;
};

}  // namespace

std::size_t head_size(std::string_view bytes, std::size_t seen) {
  const auto end = bytes.find("\r\n\r\n", seen < 3 ? 0 : seen - 3);
  return end == bytes.npos ? 0 : end + 4;
}

bool parse_head(std::string_view bytes, Head& head) {
  head.headers.clear();
  head.content_length.reset();
  head.keep_alive = head.transfer_encoding = head.expects_continue = false;
  head.problem.clear();
  HeadParser parser(bytes, head);
  error_code error;
  parser.put({bytes.data(), bytes.size()}, error);
  if (!error && !parser.is_header_done()) error = http::error::partial_message;
  if (error) {
    head.problem = "not a well-formed HTTP/1.1 request: " + error.message();
    return false;
  }
  head.keep_alive = parser.keep_alive();
  if (const auto length = parser.content_length()) head.content_length = *length;
  if (head.transfer_encoding && head.headers.count("Content-Length") > 0)
    head.problem = "both Content-Length and Transfer-Encoding";
  else if (head.headers.count("Content-Length") > 1)
    head.problem = "more than one Content-Length header";
  else if (head.headers.count("Host") > 1)
    head.problem = "more than one Host header";
  return head.problem.empty();
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

}  // namespace gitopsd::server
