// The head of an HTTP/1.1 request, as views into the bytes it was parsed from. Beast stays inside head.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "handlers/handler.h"

namespace gitopsd::server {

struct Head {
  std::string_view method, target;
  handlers::Headers headers;
  std::optional<std::uint64_t> content_length;
  bool keep_alive = false;
  bool transfer_encoding = false;
  bool expects_continue = false;
  std::string problem;  ///< why it is no request, or empty
};

/// The size of the header block with its empty line; 0 while that has not arrived. `seen` bytes were searched
/// before.
std::size_t head_size(std::string_view bytes, std::size_t seen);

/// Parses exactly the `head_size` bytes into `head`, whose members are replaced. False with `problem` for
/// what RFC 9112 forbids, folded fields and a Content-Length beside a Transfer-Encoding among it.
bool parse_head(std::string_view bytes, Head& head);

/// The path of an origin-form target, without its query.
std::string_view path_of(std::string_view target);

}  // namespace gitopsd::server
