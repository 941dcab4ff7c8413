// A session whose output is kept.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "ctl/session.h"

namespace gitopsd::test {

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

class Capture {
 public:
  explicit Capture(const std::string& socket, bool json = false)
      : file_(std::tmpfile()), session{ctl::Client(socket), ctl::Terminal(file_.get()), json} {}

  /// Everything that was written so far.
  std::string text() const {
    std::string out;
    std::rewind(file_.get());
    for (int c = std::fgetc(file_.get()); c != EOF; c = std::fgetc(file_.get())) out += static_cast<char>(c);
    return out;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;

 public:
  const ctl::Session session;
};

}  // namespace gitopsd::test
