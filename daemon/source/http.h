// A small HTTP/1.1 client for one origin: keeps its connection, follows no redirect, bounds what it is told.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/source/address.h"
#include "daemon/source/stream.h"

namespace gitopsd::source {

struct HttpRequest {
  std::string_view method;  ///< GET or POST
  std::string target;       ///< path and query
  std::string headers;      ///< whole lines, each ending in CR LF
  std::string_view body;
};

struct HttpResponse {
  int status = 0;
  std::string content_type;  ///< without parameters, lower case
  std::string location;
};

class HttpClient {
 public:
  /// The remote's token goes to `origin` and nowhere else.
  explicit HttpClient(Address origin) : origin_(std::move(origin)) {}

  /// Connects where needed, sends, and reads as far as the end of the headers. Throws Failure.
  HttpResponse send(const Operation&, const HttpRequest&);
  /// Bytes of the last response's body; 0 at its end.
  std::size_t read_body(const Operation&, char* buffer, std::size_t size);
  /// Closes the connection and frees the buffer.
  void hang_up();

 private:
  enum class Framing { none, length, chunked, until_close };

  void connect(const Operation&);
  std::string head(const Operation&, const HttpRequest&) const;
  std::string read_line(const Operation&, std::size_t& budget);
  HttpResponse read_head(const Operation&, std::string_view method);
  bool next_chunk(const Operation&);
  std::size_t take(const Operation&, char* buffer, std::size_t size);
  bool fill(const Operation&);

  Address origin_;
  std::unique_ptr<Stream> stream_;
  bool through_proxy_ = false;  ///< plain HTTP to a proxy: the request line holds the whole URL
  std::string buffer_;
  std::size_t at_ = 0;
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;  ///< of the body, or of its present chunk
  bool first_chunk_ = false;
  bool keep_ = false;
  Deadline last_used_{};
};

}  // namespace gitopsd::source
