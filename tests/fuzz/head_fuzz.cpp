// Any bytes as the beginning of a connection: the head is found and parsed, or refused with a reason; every
// view lies within the bytes that came, wherever they were cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "daemon/server/head.h"

namespace {

void within(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> upto;
  if (part.empty()) return;
  if (!upto(whole.data(), part.data()) || !upto(part.data() + part.size(), whole.data() + whole.size()))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gitopsd::server;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = head_size(bytes, 0);
  // Found in the same place when the bytes come one by one.
  std::size_t found = 0;
  for (std::size_t got = 1; got <= std::min<std::size_t>(size, 4096) && found == 0; ++got)
    found = head_size(std::string_view(bytes).substr(0, got), got - 1);
  if (size <= 4096 && found != end) std::abort();
  if (end == 0) return 0;
  Head head;
  const std::string_view block = std::string_view(bytes).substr(0, end);
  if (!parse_head(block, head)) {
    if (head.problem.empty()) std::abort();
    return 0;
  }
  within(head.method, block);
  within(head.target, block);
  within(path_of(head.target), head.target);
  for (const auto& [name, value] : head.headers.fields()) {
    within(name, block);
    within(value, block);
    if (name.empty() || value.find_first_of("\r\n") != value.npos) std::abort();
  }
  if (head.content_length.has_value() != (head.headers.count("Content-Length") == 1)) std::abort();
  return 0;
}
