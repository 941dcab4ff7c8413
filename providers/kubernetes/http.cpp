#include "providers/kubernetes/http.h"

#include <curl/curl.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "providers/kubernetes/discovery.h"
#include "providers/kubernetes/header_text.h"
#include "providers/kubernetes/server_certificate.h"
#include "providers/kubernetes/transport_words.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr int kMostAttempts = 8;
constexpr auto kMostPatience = 30s;
constexpr long kConnectMilliseconds = 10'000;
/// A watch tells a bookmark each minute: what says less than a byte in this time is dead.
constexpr long kSilentSeconds = 150;

void start_curl_once() {
  static const CURLcode code = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error("libcurl does not start");
}

bool writes(const HttpRequest& request) {
  return request.method != "GET" && request.path.find("dryRun=All") == std::string::npos;
}

curl_blob blob_of(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
}

}  // namespace

class HttpClient::Engine {
 public:
  Engine(std::shared_ptr<Credentials> credentials, Options options)
      : credentials_(std::move(credentials)), options_(std::move(options)) {
    start_curl_once();
    multi_ = ::curl_multi_init();
    if (!multi_) throw std::runtime_error("libcurl gives no multi handle");
    thread_ = std::thread([this] { loop(); });
  }

  ~Engine() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ::curl_multi_wakeup(multi_);
    thread_.join();
    ::curl_multi_cleanup(multi_);
  }

  StreamId post(HttpRequest request, Chunk chunk, Done done) {
    StreamId id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++last_id_;
      Transfer& transfer = arrived_.emplace_back();
      transfer.engine = this;
      transfer.id = id;
      transfer.request = std::move(request);
      transfer.chunk = std::move(chunk);
      transfer.done = std::move(done);
    }
    ::curl_multi_wakeup(multi_);
    return id;
  }

  void close(StreamId id) {
    {
      const std::lock_guard lock(mutex_);
      closing_.push_back(id);
    }
    ::curl_multi_wakeup(multi_);
  }

 private:
  struct Transfer {
    Engine* engine = nullptr;
    StreamId id = 0;
    HttpRequest request;
    Chunk chunk;
    Done done;
    HttpResponse response;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    curl_slist* connect_to = nullptr;
    std::array<char, CURL_ERROR_SIZE> error{};
    std::chrono::seconds retry_after{0};
    int attempts = 0;
    std::uint64_t credential = 0;
    bool asked_anew = false;  ///< with a new credential
    bool cut_off = false;     ///< once already, with its connection
    Monotonic::time_point not_before, begun;

    Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() { release(); }
    void release() {
      if (easy) ::curl_easy_cleanup(std::exchange(easy, nullptr));
      ::curl_slist_free_all(std::exchange(headers, nullptr));
      ::curl_slist_free_all(std::exchange(connect_to, nullptr));
    }
  };
  using Transfers = std::list<Transfer>;

  void loop() {
    ::pthread_setname_np(::pthread_self(), "http");
    while (take_orders()) {
      begin_what_may();
      int running = 0;
      ::curl_multi_perform(multi_, &running);
      int left = 0;
      while (const CURLMsg* message = ::curl_multi_info_read(multi_, &left))
        if (message->msg == CURLMSG_DONE) ended(message->easy_handle, message->data.result);
      if (!may_begin()) ::curl_multi_poll(multi_, nullptr, 0, patience(), nullptr);
    }
    for (auto* transfers : {&active_, &waiting_})
      while (!transfers->empty()) finish(*transfers, transfers->begin(), "the client stops");
  }

  /// False when it is time to stop.
  bool take_orders() {
    std::vector<StreamId> closing;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      while (!arrived_.empty())
        waiting_.splice(arrived_.front().request.first ? waiting_.begin() : waiting_.end(), arrived_,
                        arrived_.begin());
      closing.swap(closing_);
      stopping = stopping_;
    }
    for (const StreamId id : closing)
      for (auto* transfers : {&active_, &waiting_}) {
        const auto it = std::find_if(transfers->begin(), transfers->end(),
                                     [&](const Transfer& transfer) { return transfer.id == id; });
        if (it != transfers->end()) finish(*transfers, it, "closed");
      }
    return !stopping;
  }

  Transfers::iterator next_waiting() {
    const auto now = Monotonic::now();
    return std::find_if(waiting_.begin(), waiting_.end(),
                        [&](const Transfer& transfer) { return transfer.not_before <= now; });
  }
  bool may_begin() {
    return static_cast<int>(active_.size()) < options_.in_flight && next_waiting() != waiting_.end();
  }

  /// Milliseconds until a waiting request may be tried again, at most a second.
  int patience() const {
    auto wait = 1000ms;
    const auto now = Monotonic::now();
    for (const Transfer& transfer : waiting_)
      if (transfer.not_before > now)
        wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(transfer.not_before - now));
    return static_cast<int>(wait.count());
  }

  void begin_what_may() {
    while (may_begin()) {
      const auto it = next_waiting();
      active_.splice(active_.end(), waiting_, it);
      try {
        prepare(*it);
        ::curl_multi_add_handle(multi_, it->easy);
      } catch (const std::exception& error) {
        finish(active_, it, error.what());
      }
    }
  }

  void prepare(Transfer& t) {
    t.release();
    t.response = {};
    t.retry_after = {};
    t.error[0] = 0;
    certificate_fault_.clear();
    ++t.attempts;
    if (t.attempts == 1) t.begun = Monotonic::now();
    t.easy = ::curl_easy_init();
    if (!t.easy) throw std::runtime_error("libcurl gives no handle");
    set(t, CURLOPT_PRIVATE, &t);
    const auto config = credentials_->config();
    set(t, CURLOPT_URL, (config->server + t.request.path).c_str());
    set(t, CURLOPT_PROTOCOLS_STR, "https,http");
    set(t, CURLOPT_CUSTOMREQUEST, t.request.method.c_str());
    set(t, CURLOPT_NOSIGNAL, 1L);
    set(t, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(t, CURLOPT_PIPEWAIT, 1L);
    set(t, CURLOPT_TCP_KEEPALIVE, 1L);
    set(t, CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
    set(t, CURLOPT_ERRORBUFFER, t.error.data());
    set(t, CURLOPT_WRITEFUNCTION, &Engine::received);
    set(t, CURLOPT_WRITEDATA, &t);
    set(t, CURLOPT_HEADERFUNCTION, &Engine::header);
    set(t, CURLOPT_HEADERDATA, &t);
    if (t.chunk) {
      set(t, CURLOPT_LOW_SPEED_LIMIT, 1L);
      set(t, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    } else {
      set(t, CURLOPT_TIMEOUT_MS, static_cast<long>(t.request.timeout.count()));
    }
    if (!t.request.body.empty()) {
      set(t, CURLOPT_POSTFIELDS, t.request.body.c_str());
      set(t, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t.request.body.size()));
    }
    add_header(t, "Accept: " + t.request.accept);
    add_header(t, "User-Agent: gitopsd/" GITOPSD_VERSION);
    add_header(t, "Expect:");
    if (!t.request.body.empty()) add_header(t, "Content-Type: " + t.request.content_type);
    for (const auto& [name, value] : t.request.headers) add_header(t, name + ": " + value);
    add_impersonation(t, config->impersonate);
    prepare_tls(t, *config);
    set(t, CURLOPT_HTTPHEADER, t.headers);
  }

  /// The kubeconfig's, unless the request is somebody's own.
  static void add_impersonation(Transfer& t, const Impersonation& as) {
    const auto& own = t.request.headers;
    if (std::any_of(own.begin(), own.end(), [](const auto& h) { return h.first == "Impersonate-User"; }))
      return;
    if (!as.user.empty()) add_header(t, "Impersonate-User: " + as.user);
    if (!as.uid.empty()) add_header(t, "Impersonate-Uid: " + as.uid);
    for (const auto& group : as.groups) add_header(t, "Impersonate-Group: " + group);
    for (const auto& [key, values] : as.extra)
      for (const auto& value : values) add_header(t, "Impersonate-Extra-" + escape(key) + ": " + value);
  }

  void prepare_tls(Transfer& t, const ClientConfig& config) {
    if (!config.proxy_url.empty()) set(t, CURLOPT_PROXY, std::string(config.proxy_url.reveal()).c_str());
    if (config.insecure_skip_tls_verify) {
      set(t, CURLOPT_SSL_VERIFYPEER, 0L);
      set(t, CURLOPT_SSL_VERIFYHOST, 0L);
    } else if (const std::string authority = credentials_->certificate_authority(); !authority.empty()) {
      const curl_blob authorities = blob_of(authority);
      set(t, CURLOPT_CAINFO_BLOB, &authorities);
    }
    if (!config.insecure_skip_tls_verify && explain_certificate(t.easy, certificate_fault_) != CURLE_OK)
      throw std::runtime_error("libcurl tells nothing of certificates: it is not made with OpenSSL");
    if (!config.tls_server_name.empty()) connect_elsewhere(t, config);
    const auto credential = credentials_->current();
    t.credential = credential->serial;
    if (writes(t.request) && options_.may_write && !options_.may_write(credential->kubeconfig))
      throw std::runtime_error(
          "the kubeconfig was replaced a moment ago, and whether it leads to the same cluster is to be "
          "looked at first");
    if (!credential->certificate.empty()) {
      const curl_blob certificate = blob_of(credential->certificate), key = blob_of(credential->key.reveal());
      set(t, CURLOPT_SSLCERTTYPE, "PEM");
      set(t, CURLOPT_SSLKEYTYPE, "PEM");
      set(t, CURLOPT_SSLCERT_BLOB, &certificate);
      set(t, CURLOPT_SSLKEY_BLOB, &key);
    }
    if (!credential->bearer.empty()) {
      set(t, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
      set(t, CURLOPT_XOAUTH2_BEARER, std::string(credential->bearer.reveal()).c_str());
    } else if (!credential->username.empty()) {
      set(t, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(t, CURLOPT_USERNAME, credential->username.c_str());
      set(t, CURLOPT_PASSWORD, std::string(credential->password.reveal()).c_str());
    }
  }

  /// The certificate is checked for another name than the address has: the URL has the name, and the
  /// connection goes to the address.
  static void connect_elsewhere(Transfer& t, const ClientConfig& config) {
    const auto scheme = config.server.find("://");
    const auto begin = scheme == config.server.npos ? 0 : scheme + 3;
    const auto end = std::min(config.server.find('/', begin), config.server.size());
    const std::string authority = config.server.substr(begin, end - begin);
    const auto colon = authority.rfind(':');
    const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
    const std::string host = authority.substr(0, has_port ? colon : authority.size());
    const std::string port = has_port ? authority.substr(colon + 1) : "443";
    const std::string named = config.server.substr(0, begin) + config.tls_server_name + ":" + port;
    set(t, CURLOPT_URL, (named + config.server.substr(end) + t.request.path).c_str());
    t.connect_to =
        ::curl_slist_append(nullptr, (config.tls_server_name + ":" + port + ":" + host + ":" + port).c_str());
    set(t, CURLOPT_CONNECT_TO, t.connect_to);
  }

  template <class T>
  static void set(Transfer& t, CURLoption option, T value) {
    if (const CURLcode code = ::curl_easy_setopt(t.easy, option, value); code != CURLE_OK)
      throw std::runtime_error(std::string("libcurl: ") + ::curl_easy_strerror(code));
  }
  static void add_header(Transfer& t, const std::string& line) {
    t.headers = ::curl_slist_append(t.headers, line.c_str());
  }

  static long status_of(const Transfer& t) {
    long status = 0;
    ::curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  static std::size_t received(char* data, std::size_t, std::size_t size, void* self) {
    Transfer& t = *static_cast<Transfer*>(self);
    const std::string_view bytes(data, size);
    if (t.chunk && status_of(t) == 200) {
      t.chunk(bytes);
      return size;
    }
    if (t.response.body.size() + size > t.engine->options_.body_bytes) {
      t.response.error =
          "the answer is larger than " + std::to_string(t.engine->options_.body_bytes) + " bytes";
      return 0;
    }
    t.response.body += bytes;
    return size;
  }

  /// The value of that header, where the line is one of it.
  static std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
    const bool same = line.size() > name.size() && line[name.size()] == ':' &&
                      std::equal(name.begin(), name.end(), line.begin(),
                                 [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
    if (!same) return std::nullopt;
    return trimmed(line.substr(name.size() + 1));
  }

  static std::size_t header(char* data, std::size_t, std::size_t size, void* self) {
    Transfer& t = *static_cast<Transfer*>(self);
    const std::string_view line(data, size);
    if (const auto etag = value_of(line, "etag")) t.response.etag = *etag;
    if (const auto digits = value_of(line, "retry-after")) {
      int seconds = 0;
      std::from_chars(digits->data(), digits->data() + digits->size(), seconds);
      t.retry_after = std::chrono::seconds(seconds);
    }
    if (t.chunk && (line == "\r\n" || line == "\n") && status_of(t) == 200) t.chunk({});
    return size;
  }

  void ended(CURL* easy, CURLcode code) {
    Transfer* transfer = nullptr;
    ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    Transfer& t = *transfer;
    ::curl_multi_remove_handle(multi_, easy);
    long status = 0;
    ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    long connects = 0;
    ::curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    if (connects > 0 && options_.connected) options_.connected();
    const auto self =
        std::find_if(active_.begin(), active_.end(), [&](const Transfer& o) { return &o == &t; });
    if (code == CURLE_OK) {
      t.response.status = static_cast<int>(status);
      if (again(t)) return waiting_.splice(waiting_.end(), active_, self);
    } else if ((code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM) && !t.chunk &&
               !std::exchange(t.cut_off, true)) {
      // The API server ends a connection whole when it refuses the credentials of one request on it: each
      // says what it is guarded by, and may be asked again.
      return waiting_.splice(waiting_.end(), active_, self);
    } else if (t.response.error.empty()) {
      const bool told = code == CURLE_PEER_FAILED_VERIFICATION && !certificate_fault_.empty();
      long os_error = 0;
      ::curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
      t.response.error = told ? certificate_fault_
                              : transport_words(t.error[0] ? t.error.data() : ::curl_easy_strerror(code),
                                                static_cast<int>(os_error));
      t.response.certificate = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
                               code == CURLE_SSL_CACERT_BADFILE;
    }
    finish(active_, self, {});
  }

  /// Whether the answer says that the same request may go well later.
  bool again(Transfer& t) {
    const auto now = Monotonic::now();
    if (t.response.status == 401 && !std::exchange(t.asked_anew, true)) {
      credentials_->invalidate(t.credential);
      return true;
    }
    const bool busy = t.response.status == 429 || (t.response.status == 503 && t.retry_after.count() > 0);
    if (!busy || t.attempts >= kMostAttempts) return false;
    // Spread, or those that were refused together would be so again.
    t.not_before = now + std::max(t.retry_after, std::chrono::seconds(1)) +
                   std::chrono::milliseconds(std::uniform_int_distribution<int>(0, 500)(random_));
    return t.not_before - t.begun < std::max<std::chrono::nanoseconds>(kMostPatience, t.request.timeout);
  }

  void finish(Transfers& from, Transfers::iterator it, const std::string& error) {
    if (it->easy) ::curl_multi_remove_handle(multi_, it->easy);
    if (!error.empty()) {
      it->response = {};
      it->response.error = error;
    }
    Transfers gone;
    gone.splice(gone.end(), from, it);
    const int status = it->response.status;
    if (options_.trouble && (it->chunk || status == 0 || status == 401)) options_.trouble();
    try {
      it->done(std::move(it->response));
    } catch (const std::exception& failure) {
      log::error("what waits for an answer threw", {{"error", failure.what()}});
    }
  }

  const std::shared_ptr<Credentials> credentials_;
  const Options options_;
  CURLM* multi_ = nullptr;
  Transfers active_, waiting_;  ///< the thread's
  /// Of the server's, for whichever transfer met it: all of them meet the same one, and connections outlive
  /// the transfers that began them.
  std::string certificate_fault_;
  std::minstd_rand random_{std::random_device{}()};

  std::mutex mutex_;
  Transfers arrived_;
  std::vector<StreamId> closing_;
  StreamId last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

HttpClient::HttpClient(std::shared_ptr<Credentials> credentials, Options options)
    : engine_(std::make_unique<Engine>(std::move(credentials), std::move(options))) {}

HttpClient::~HttpClient() = default;

void HttpClient::start(HttpRequest request, Done done) {
  engine_->post(std::move(request), nullptr, std::move(done));
}

HttpResponse HttpClient::send(HttpRequest request) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    HttpResponse response;
  } waiting;
  start(std::move(request), [&](HttpResponse response) {
    const std::lock_guard lock(waiting.mutex);
    waiting.response = std::move(response);
    waiting.ended = true;
    waiting.changed.notify_one();
  });
  std::unique_lock lock(waiting.mutex);
  waiting.changed.wait(lock, [&] { return waiting.ended; });
  return std::move(waiting.response);
}

HttpClient::StreamId HttpClient::open(HttpRequest request, Chunk chunk, Done done) {
  return engine_->post(std::move(request), std::move(chunk), std::move(done));
}

void HttpClient::close(StreamId id) {
  engine_->close(id);
}

}  // namespace gitopsd::kubernetes
