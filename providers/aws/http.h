// HTTP to AWS, by libcurl: connections are kept, and each request waits for its answer.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "providers/aws/request.h"

namespace gitopsd::aws {

struct HttpResponse {
  int status = 0;
  Fields headers;  ///< names in lower case
  std::string body;
  const std::string& header(std::string_view name) const;  ///< empty where it is missing
  std::optional<WallMicros> date() const;                  ///< the server's clock
};

/// Thread-safe: as many connections as there are threads that ask at once.
class Http {
 public:
  Http();
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  /// `url` as it is sent. `timeout` is of all of it; of a large body, of a stretch in which it does not move
  /// on. Throws Failure where no answer comes: transient, or destination where the server's certificate is
  /// not trusted.
  HttpResponse send(const std::string& method, const std::string& url, const Fields& headers,
                    const std::string& body, std::chrono::milliseconds timeout,
                    const std::function<bool()>& cancelled);

 private:
  void* take();
  void give_back(void* easy);

  std::mutex mutex_;
  std::vector<void*> idle_;  ///< CURL*, each with its connection
};

}  // namespace gitopsd::aws
