#include "harness.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "base/hash.h"
#include "tests/unit/slower.h"

namespace gitopsd::server {

bool eventually(const std::function<bool()>& condition) {
  const auto end = Monotonic::now() + std::chrono::seconds(30) * gitopsd::test::kSlower;
  while (!condition()) {
    if (Monotonic::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void make_certificate(const std::string& certificate_path, const std::string& key_path) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                             -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const auto write = [](const std::string& path, const auto& put) {
    std::FILE* file = std::fopen((path + ".new").c_str(), "w");
    put(file);
    std::fclose(file);
    std::filesystem::rename(path + ".new", path);
  };
  write(certificate_path, [&](std::FILE* file) { PEM_write_X509(file, certificate.get()); });
  write(key_path, [&](std::FILE* file) {
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Harness::Harness(const std::function<void(config::Config&)>& change) {
  std::string folder = (std::filesystem::temp_directory_path() / "unit-server-XXXXXX").string();
  folder_ = ::mkdtemp(folder.data());
  write_file_atomically(path("secret"), kSecret);
  make_certificate(path("cert.pem"), path("key.pem"));
  config_.server.listen = "127.0.0.1:0";
  config_.server.tls = config::Tls{path("cert.pem"), path("key.pem")};
  config::Hook hook;
  hook.name = HookName("demo");
  hook.forge = "github";
  hook.secrets.push_back({.credential = "", .file = path("secret"), .environment = ""});
  hook.repositories.emplace_back("hello");
  config_.hooks.push_back(hook);
  config::Repository repository;
  repository.name = RepositoryName("hello");
  repository.url = "https://github.com/octo/hello.git";
  config_.repositories.push_back(repository);
  config::Application application;
  application.name = ApplicationName("app");
  application.repository = repository.name;
  config_.applications.push_back(application);
  if (change) change(config_);
}

Harness::~Harness() {
  store.release();
  server.reset();
  std::filesystem::remove_all(folder_);
}

void Harness::start(int inherited_socket) {
  Environment environment;
  environment.config = configuration();
  environment.store = &store;
  environment.clock = &clock;
  environment.inherited_socket = inherited_socket;
  environment.accepted = [this](const std::vector<EventId>& events) {
    const std::lock_guard lock(mutex_);
    accepted_.insert(accepted_.end(), events.begin(), events.end());
  };
  server = make_server(std::move(environment));
  server->start();
}

Client Harness::connect(ClientOptions options) const {
  if (config_.server.plain_http) options.tls = false;
  return Client(server->port(), options);
}

Response Harness::post(const std::string& request) const {
  Client client = connect();
  client.send(request);
  return client.response();
}

std::vector<EventId> Harness::accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

std::string push_body(const std::string& ref, std::size_t padding, const std::string& repository) {
  return R"({"ref":")" + ref + R"(","before":"d70c5c6fa6389f7f0a1d0f9f9f6f3a3b8a0f1c22","after":")" + kAfter +
         R"(","deleted":false,"commits":[{"message":")" + std::string(padding, 'x') +
         R"("}],"repository":{"full_name":")" + repository + R"(","clone_url":"https://github.com/)" +
         repository + R"(.git"},"pusher":{"name":"mona"}})";
}

std::string push_request(const std::string& body, const std::string& delivery, const std::string& extra,
                         const std::string& secret) {
  return "POST /hooks/demo HTTP/1.1\r\nHost: localhost\r\nUser-Agent: GitHub-Hookshot/044aadd\r\n"
         "Content-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: " +
         delivery + "\r\nX-Hub-Signature-256: sha256=" + to_hex(hmac_sha256(secret, body)) + "\r\n" + extra +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace gitopsd::server
