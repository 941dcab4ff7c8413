// pkt-lines, gitprotocol-common(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/source/service.h"

namespace gitopsd::source {

inline constexpr std::string_view kFlush = "0000";
inline constexpr std::string_view kDelimiter = "0001";

/// Appends `data` with its length in front. `data` holds at most 65,516 bytes.
void append_packet(std::string& out, std::string_view data);

struct Packet {
  enum class Kind { data, flush, delimiter, end };  ///< end: the answer ended between packets
  Kind kind = Kind::end;
  std::string_view data;  ///< valid until the next packet is read

  /// The data without one trailing newline.
  std::string_view line() const { return data.ends_with('\n') ? data.substr(0, data.size() - 1) : data; }
};

class PacketReader {
 public:
  explicit PacketReader(Service& service) : service_(service) {}
  /// Throws Failure: an answer cut off, a length that is none, or the server's own "ERR".
  Packet next(const Operation&);
  /// Forgets what was read ahead, and its buffer; before the answer to another request.
  void restart();

 private:
  bool fill(const Operation&, std::size_t need);

  Service& service_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace gitopsd::source
