// A connected Unix socket with a deadline, in the form that Beast reads and writes synchronously.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/system/error_code.hpp>
#include <string>

#include "base/clock.h"
#include "base/file.h"

namespace gitopsd::ctl {

class UnixStream {
 public:
  /// Connects. Throws Unreachable that says what to do.
  UnixStream(const std::string& path, Deadline deadline);
  const std::string& path() const { return path_; }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    for (const boost::asio::mutable_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
      if (buffer.size() > 0) return read(buffer.data(), buffer.size(), error);
    }
    error = {};
    return 0;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
      if (buffer.size() > 0) return write(buffer.data(), buffer.size(), error);
    }
    error = {};
    return 0;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    boost::system::error_code error;
    const auto count = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    boost::system::error_code error;
    const auto count = write_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }

 private:
  std::size_t read(void* data, std::size_t size, boost::system::error_code& error);
  std::size_t write(const void* data, std::size_t size, boost::system::error_code& error);
  bool wait(short events, boost::system::error_code& error);

  std::string path_;
  Deadline deadline_;
  Fd fd_;
};

}  // namespace gitopsd::ctl
