#include "daemon/server/answer.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/json.h"
#include "base/value.h"

namespace gitopsd::server {
namespace {

std::string_view phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

void append(std::string& out, std::int64_t number) {
  out += std::to_string(number);
}

void append_event(std::string& out, EventId event) {
  out += "\"event\":";
  append(out, event.value);
  out += ",\"link\":\"/v1/events/";
  append(out, event.value);
  out += '"';
}

}  // namespace

Answer refuse(int status, std::string_view reason) {
  Answer answer;
  answer.status = status;
  answer.body = "{\"error\":" + to_json(Value(std::string(reason))) + "}\n";
  return answer;
}

Answer unauthenticated_answer() {
  return refuse(401, "the proof is missing or wrong");
}

Answer accepted_answer(const std::vector<EventId>& events) {
  Answer answer;
  answer.status = 202;
  answer.body = "{";
  append_event(answer.body, events.front());
  if (events.size() > 1) {
    answer.body += ",\"events\":[";
    for (std::size_t i = 0; i < events.size(); ++i) {
      answer.body += i == 0 ? "{" : ",{";
      append_event(answer.body, events[i]);
      answer.body += '}';
    }
    answer.body += ']';
  }
  answer.body += "}\n";
  return answer;
}

Answer ignored_answer(std::string_view reason) {
  Answer answer;
  answer.status = 200;
  answer.body = "{\"ignored\":" + to_json(Value(std::string(reason))) + "}\n";
  return answer;
}

void write_response(const Answer& answer, bool keep_alive, bool head_only, std::string_view date,
                    std::string& out) {
  out.clear();
  out += "HTTP/1.1 ";
  append(out, answer.status);
  out += ' ';
  out += phrase(answer.status);
  out += "\r\nDate: ";
  out += date;
  out += "\r\nContent-Type: application/json\r\nContent-Length: ";
  append(out, static_cast<std::int64_t>(answer.body.size()));
  if (answer.retry_after > 0) {
    out += "\r\nRetry-After: ";
    append(out, answer.retry_after);
  }
  if (answer.status == 405) out += "\r\nAllow: POST";
  if (!keep_alive) out += "\r\nConnection: close";
  out += "\r\n\r\n";
  if (!head_only) out += answer.body;
}

void append_json_text(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  out += '"';
  while (!bytes.empty()) {
    const auto plain =
        static_cast<std::size_t>(std::find_if_not(bytes.begin(), bytes.end(), is_plain) - bytes.begin());
    out += bytes.substr(0, plain);
    bytes.remove_prefix(plain);
    if (bytes.empty()) break;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += static_cast<char>(byte);
      continue;
    }
    out += "\\u00";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  out += '"';
}

std::string http_date(WallMicros now) {
  const std::time_t seconds = static_cast<std::time_t>(now / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  // strftime's names follow the locale; these must not.
  constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[40];
  const int size = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                 months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                                 parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace gitopsd::server
