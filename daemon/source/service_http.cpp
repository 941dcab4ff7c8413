#include <array>

#include "daemon/source/http.h"
#include "daemon/source/service.h"

namespace gitopsd::source {

namespace {

constexpr std::string_view kAdvertisement = "application/x-git-upload-pack-advertisement";
constexpr std::string_view kRequest = "application/x-git-upload-pack-request";
constexpr std::string_view kResult = "application/x-git-upload-pack-result";

/// "https://elsewhere" of a Location, without its path and query, which may hold what is not ours to show.
std::string origin_of(std::string_view location) {
  const auto scheme = location.find("://");
  const auto path = location.find_first_of("/?#", scheme == std::string_view::npos ? 0 : scheme + 3);
  return printable(location.substr(0, path), 200);
}

Failure refused(const Operation& operation, const HttpResponse& answer) {
  const std::string said = "answers with HTTP status " + std::to_string(answer.status);
  const bool has_token = !operation.remote().token.empty();
  const std::string& name = operation.remote().name.str();
  switch (answer.status) {
    case 401:
      return has_token
                 ? operation.failure(ProblemCause::permission, "refuses the credentials (HTTP status 401)",
                                     "is the token of repository " + name +
                                         " still valid, and its user right? It was sent once")
                 : operation.failure(ProblemCause::permission, "asks for credentials (HTTP status 401)",
                                     "set `token` of repository " + name);
    case 403:
      return operation.failure(ProblemCause::permission, said,
                               has_token ? "the token needs the right to read the repository"
                                         : "set `token` of repository " + name);
    case 404:
    case 410:
      return operation.failure(
          ProblemCause::permission, said,
          "is the url right? Forges also answer so for a repository that the token may not read");
    case 407:
      return operation.failure(ProblemCause::permission, "the proxy asks for credentials (HTTP status 407)");
    case 408:
    case 425:
    case 429:
      return operation.failure(ProblemCause::transient, said, "it is asked too often, or is busy");
    default:
      break;
  }
  if (answer.status >= 300 && answer.status < 400)
    return operation.failure(ProblemCause::input,
                             "redirects to " + origin_of(answer.location) + ", which is not followed",
                             "write the repository's own address as its url; nothing, no credential either, "
                             "was sent to the other host");
  if (answer.status >= 500) return operation.failure(ProblemCause::transient, said, "look at the server");
  return operation.failure(ProblemCause::input, said, "is the url that of a Git repository?");
}

class HttpService : public Service {
 public:
  explicit HttpService(const Address& address) : client_(address), path_(address.path) {
    while (path_.ends_with('/')) path_.pop_back();
  }

  void advertise(const Operation& operation) override {
    ask(operation,
        {.method = "GET",
         .target = path_ + "/info/refs?service=git-upload-pack",
         .headers = "Accept: */*\r\nGit-Protocol: version=2\r\n",
         .body = {}},
        kAdvertisement);
  }

  void request(const Operation& operation, std::string_view body, int version) override {
    std::string headers =
        "Content-Type: " + std::string(kRequest) + "\r\nAccept: " + std::string(kResult) + "\r\n";
    if (version == 2) headers += "Git-Protocol: version=2\r\n";
    ask(operation,
        {.method = "POST", .target = path_ + "/git-upload-pack", .headers = std::move(headers), .body = body},
        kResult);
  }

  std::size_t read(const Operation& operation, char* buffer, std::size_t size) override {
    return client_.read_body(operation, buffer, size);
  }

  void finish(const Operation& /*operation*/) override {}
  void hang_up() override { client_.hang_up(); }
  bool stateless() const override { return true; }

  Failure ended(const Operation& operation) override {
    return operation.failure(ProblemCause::transient, "its answer ended early");
  }

 private:
  void ask(const Operation& operation, const HttpRequest& request, std::string_view type) {
    const HttpResponse answer = client_.send(operation, request);
    if (answer.status != 200) throw refused(operation, answer);
    if (answer.content_type != type)
      throw operation.failure(ProblemCause::input,
                              "is no smart HTTP Git server: answers with content type \"" +
                                  printable(answer.content_type, 80) + "\"",
                              "is the url that of a Git repository?");
  }

  HttpClient client_;
  std::string path_;
};

}  // namespace

std::unique_ptr<Service> open_http(const Address& address) {
  return std::make_unique<HttpService>(address);
}

}  // namespace gitopsd::source
