// What the door says back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace gitopsd::server {

struct Answer {
  int status = 500;
  std::string body;     ///< JSON
  int retry_after = 0;  ///< seconds; 0: no such header
  bool close = false;   ///< the connection cannot be used again
};

/// `{"error": REASON}`.
Answer refuse(int status, std::string_view reason);
/// 401, the same to the byte whatever was wrong.
Answer unauthenticated_answer();
/// 202 with the event's id and link; `events` is not empty.
Answer accepted_answer(const std::vector<EventId>& events);
/// 200 with the reason why nothing is done.
Answer ignored_answer(std::string_view reason);

/// The whole HTTP response. `date` is an IMF-fixdate; `head_only` leaves the body out (the answer to HEAD).
void write_response(const Answer& answer, bool keep_alive, bool head_only, std::string_view date,
                    std::string& out);

/// Adds a JSON text of bytes that need not be UTF-8: those beyond ASCII are read as ISO 8859-1, as RFC 9110
/// has it.
void append_json_text(std::string& out, std::string_view bytes);

/// RFC 9110 section 5.6.7: `Tue, 24 Nov 2026 08:15:30 GMT`.
std::string http_date(WallMicros now);

}  // namespace gitopsd::server
