#include "providers/aws/http.h"

#include <curl/curl.h>

#include <memory>
#include <stdexcept>

#include "base/problem.h"
#include "providers/aws/environment.h"

namespace gitopsd::aws {
namespace {

constexpr long kConnectMilliseconds = 10'000;
/// Bytes a second. Whoever sends a large file over a slow line, among others, has time as long as it moves.
constexpr long kSlowest = 1024;
/// CloudFormation's answers are pages of at most 1 MB; a template has 1 MB.
constexpr std::size_t kMostBytes = 16u << 20;

struct Transfer {
  HttpResponse response;
  bool too_large = false;
  const std::function<bool()>* cancelled = nullptr;
};

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  transfer.too_large = transfer.response.body.size() + count > kMostBytes;
  if (transfer.too_large) return 0;
  transfer.response.body.append(bytes, count);
  return count;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& headers = static_cast<Transfer*>(to)->response.headers;
  const std::string_view line(bytes, count);
  if (line.starts_with("HTTP/")) headers.clear();  // of the answer after a 100
  const auto colon = line.find(':');
  if (colon == line.npos || headers.size() > 100) return count;
  std::string name(line.substr(0, colon));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  auto value = line.substr(colon + 1);
  const auto begin = value.find_first_not_of(" \t"), end = value.find_last_not_of(" \t\r\n");
  headers.emplace_back(std::move(name), begin == value.npos
                                            ? std::string()
                                            : std::string(value.substr(begin, end - begin + 1)));
  return count;
}

int on_progress(void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& cancelled = *static_cast<Transfer*>(to)->cancelled;
  return cancelled && cancelled() ? 1 : 0;
}

struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void add(HeaderList& list, const std::string& line) {
  curl_slist* longer = ::curl_slist_append(list.get(), line.c_str());
  if (!longer) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

/// All of it may take so long; or, of a body that would need more even so slowly, a stretch in which nothing
/// moves.
void limit_time(CURL* easy, std::size_t body, std::chrono::milliseconds timeout) {
  const auto milliseconds = static_cast<long>(timeout.count());
  if (body <= static_cast<std::size_t>(kSlowest * milliseconds / 1000)) {
    ::curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds);
    return;
  }
  ::curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  ::curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (milliseconds + 999) / 1000);
}

void start_curl_once() {
  static const CURLcode code = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error("libcurl does not start");
}

std::string host_of(const std::string& url) {
  const auto begin = url.find("://");
  const auto from = begin == url.npos ? 0 : begin + 3;
  return url.substr(from, url.find_first_of("/?", from) - from);
}

Failure no_answer(CURLcode code, const std::string& words, const std::string& url) {
  const std::string where = host_of(url);
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    return fail(ProblemCause::destination, "the certificate of " + where + " is not trusted: " + words,
                "install the authority that signed it (AWS_CA_BUNDLE names a file of its own)");
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(ProblemCause::transient, "cancelled");
  return fail(
      ProblemCause::transient, "no answer of " + where + ": " + words,
      code == CURLE_COULDNT_RESOLVE_HOST
          ? "where other names can be resolved here, there is no such region, or it has no such endpoint"
          : "");
}

}  // namespace

const std::string& HttpResponse::header(std::string_view name) const {
  static const std::string none;
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return none;
}

std::optional<WallMicros> HttpResponse::date() const {
  const auto seconds = ::curl_getdate(header("date").c_str(), nullptr);
  return seconds < 0 ? std::nullopt : std::optional<WallMicros>(WallMicros{seconds} * 1'000'000);
}

Http::Http() {
  start_curl_once();
}

Http::~Http() {
  for (void* easy : idle_) ::curl_easy_cleanup(easy);
}

void* Http::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      void* easy = idle_.back();
      idle_.pop_back();
      ::curl_easy_reset(easy);  // its connections stay
      return easy;
    }
  }
  void* easy = ::curl_easy_init();
  if (!easy) throw std::bad_alloc();
  return easy;
}

void Http::give_back(void* easy) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(easy);
}

HttpResponse Http::send(const std::string& method, const std::string& url, const Fields& headers,
                        const std::string& body, std::chrono::milliseconds timeout,
                        const std::function<bool()>& cancelled) {
  const std::unique_ptr<void, std::function<void(void*)>> lent(take(), [this](void* e) { give_back(e); });
  CURL* easy = lent.get();
  Transfer transfer;
  transfer.cancelled = &cancelled;
  char words[CURL_ERROR_SIZE] = "";
  HeaderList list;
  for (const auto& [name, value] : headers) add(list, name + ": " + value);
  add(list, "Expect:");  // AWS answers at once, and a server that knows no 100 would cost a second

  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
  ::curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  limit_time(easy, body.size(), timeout);
  ::curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method == "HEAD") ::curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (method == "POST" || method == "PUT") {
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list.get());
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  ::curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  ::curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
  ::curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  if (const auto bundle = process_environment("AWS_CA_BUNDLE"); !bundle.empty())
    ::curl_easy_setopt(easy, CURLOPT_CAINFO, bundle.c_str());

  const CURLcode code = ::curl_easy_perform(easy);
  if (transfer.too_large)
    throw fail(ProblemCause::destination,
               "the answer of " + host_of(url) + " is larger than " + std::to_string(kMostBytes) + " bytes");
  if (code != CURLE_OK) throw no_answer(code, words[0] ? words : ::curl_easy_strerror(code), url);
  long status = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

}  // namespace gitopsd::aws
