#include "config/fields.h"
#include "config/url.h"

namespace gitopsd::config {
namespace {

const Fields<Tls>& tls_fields() {
  static const Fields<Tls> fields{
      {"certificate", file_text(&Tls::certificate, "the path of a PEM certificate chain"), Need::required},
      {"key", file_text(&Tls::key, "the path of a PEM private key"), Need::required},
  };
  return fields;
}

const Fields<Limits>& limits_fields() {
  static const Fields<Limits> fields{
      {"header_bytes", size(&Limits::header_bytes, "1KiB", "1MiB")},
      {"body_bytes", size(&Limits::body_bytes, "1KiB", "100MiB")},
      {"unproven_body_bytes", size(&Limits::unproven_body_bytes, "1MiB", "16GiB")},
      {"header_timeout", duration(&Limits::header_timeout, "100ms", "10m")},
      {"idle_timeout", duration(&Limits::idle_timeout, "100ms", "1h")},
      {"body_rate", size(&Limits::body_rate, "1B", "1GiB")},
      {"connections", number(&Limits::connections, 1, 1'000'000)},
      {"connections_per_address", number(&Limits::connections_per_address, 1, 1'000'000)},
      {"failed_proofs_per_minute", number(&Limits::failed_proofs_per_minute, 1, 1'000'000)},
      {"stop_timeout", duration(&Limits::stop_timeout, "0s", "1h")},
  };
  return fields;
}

// Two files may each give one half of `tls`.
Rule<Server> tls_section() {
  const Shape shape = object_shape(tls_fields(), "the paths of certificate and key");
  return {shape, [shape](Reader& in, const Value& value, Server& out) {
            if (!out.tls) out.tls.emplace();
            read_members(in, value, tls_fields(), shape, *out.tls, true);
          }};
}

Rule<std::string> user_item() {
  return {text_shape("a user name"), [](Reader& in, const Value& value, std::string& out) {
            out = normal_user(value.as_string());
            in.name_user(out, value.position);
          }};
}

}  // namespace

const Fields<Server>& server_fields() {
  static const Fields<Server> fields{
      {"listen", text(&Server::listen, "an address and port such as [::]:443, or systemd", normal_listen)},
      {"tls", tls_section()},
      {"plain_http", flag(&Server::plain_http)},
      {"trusted_proxies", list(&Server::trusted_proxies, "a list of addresses or CIDR blocks",
                               item("an address or a CIDR block", normal_network))},
      {"public_url",
       text(&Server::public_url, "a URL such as https://gitops.example.com", normal_public_url)},
      {"limits", section(&Server::limits, limits_fields(), "the server's limits")},
  };
  return fields;
}

const Fields<Metrics>& metrics_fields() {
  static const Fields<Metrics> fields{
      {"listen", text(&Metrics::listen, "an address and port such as 127.0.0.1:9464", normal_listen)},
  };
  return fields;
}

const Fields<Api>& api_fields() {
  static const Fields<Api> fields{
      {"socket", text(&Api::socket, "the absolute path of a socket", normal_socket)},
      {"users", list(&Api::users, "a list of user names", user_item())},
  };
  return fields;
}

const Fields<Store>& store_fields() {
  static const Fields<Store> fields{
      {"path", text(&Store::path, "the absolute path of a directory", normal_file)},
      {"keep_events", duration(&Store::keep_events, "1h", "36500d")},
      {"keep_syncs", number(&Store::keep_syncs, 1, 1000)},
      {"installation", text(&Store::installation, "the UUID of an installation", normal_uuid)},
  };
  return fields;
}

void check_server(Reader& in, const Config& config) {
  const auto& server = config.server;
  const auto begin = in.first_place("server");
  if (server.tls && (server.tls->certificate.empty() || server.tls->key.empty())) {
    in.problem(in.first_place("server.tls"), "server.tls: certificate and key are both needed");
  }
  if (server.tls && server.plain_http) {
    in.problem(begin, "server: tls and plain_http exclude each other", "remove one of them");
  }
  const bool serves = in.was_read("server") || !config.hooks.empty();
  if (serves && !server.tls && !server.plain_http) {
    in.problem(begin, "server: neither tls nor plain_http is given",
               "give tls with certificate and key, or plain_http: true behind a proxy that ends TLS");
  }
}

}  // namespace gitopsd::config
