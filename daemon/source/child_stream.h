// A child process as the other end of a conversation.
#pragma once

#include <string>

#include "base/process.h"
#include "daemon/source/stream.h"

namespace gitopsd::source {

class ChildStream : public Stream {
 public:
  /// Starts `command`, whose descriptors are set here. Throws Failure.
  ChildStream(const Operation&, Command command);
  std::size_t read(const Operation&, char* buffer, std::size_t size) override;
  void write(const Operation&, std::string_view bytes) override;
  bool quiet() const override { return false; }
  /// What it wrote to standard error, at most 64 KiB; after it ended or is ended now.
  std::string last_words(const Operation&);

 private:
  Child child_;
  Fd input_, output_, error_;
};

}  // namespace gitopsd::source
