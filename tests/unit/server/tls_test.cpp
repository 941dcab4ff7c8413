#include <doctest/doctest.h>

#include <fstream>

#include "harness.h"

using namespace gitopsd;
using namespace gitopsd::server;

TEST_CASE("TLS 1.2 and 1.3 are spoken, older ones not") {
  Harness harness;
  harness.start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ClientOptions options;
    options.version = version;
    Client client = harness.connect(options);
    CHECK(client.version() == version);
    client.send(push_request());
    CHECK(client.response().status == 202);
  }
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    ClientOptions options;
    options.version = version;
    CHECK_THROWS(harness.connect(options));
  }
  CHECK(eventually([&] { return harness.counters().handshake_failures == 2; }));
}

TEST_CASE("HTTP/1.1 is chosen by ALPN, and a client without it turned away") {
  Harness harness;
  harness.start();
  ClientOptions both;
  both.protocols = "\x02h2\x08http/1.1";
  CHECK(harness.connect(both).protocol() == "http/1.1");
  ClientOptions only_h2;
  only_h2.protocols = "\x02h2";
  CHECK_THROWS(harness.connect(only_h2));
  CHECK(harness.connect().protocol().empty());
}

TEST_CASE("Bytes that are no TLS end the connection") {
  Harness harness;
  harness.start();
  ClientOptions plain;
  plain.tls = false;
  Client client = harness.connect(plain);
  client.send(push_request());
  CHECK(eventually([&] { return harness.counters().handshake_failures == 1; }));
  CHECK(eventually([&] { return harness.counters().connections == 0; }));
  Client broken = harness.connect();
  broken.send_raw(std::string("\x17\x03\x03\x00\x18", 5) + "24 bytes of no ciphertext");
  CHECK(eventually([&] { return harness.counters().connections == 0; }));
  CHECK(harness.post(push_request()).status == 202);
}

TEST_CASE("A replaced certificate is for new connections, a broken one for none") {
  Harness harness;
  harness.start();
  Client before = harness.connect();
  const std::string first = before.certificate();
  harness.server->refresh_certificate();
  CHECK(harness.connect().certificate() == first);

  make_certificate(harness.path("cert.pem"), harness.path("key.pem"));
  harness.server->refresh_certificate();
  const std::string second = harness.connect().certificate();
  CHECK(second != first);
  before.send(push_request());
  CHECK(before.response().status == 202);

  std::ofstream(harness.path("cert.pem")) << "no certificate";
  harness.server->refresh_certificate();
  CHECK(harness.connect().certificate() == second);
  // A key that does not fit is as bad.
  make_certificate(harness.path("cert.pem"), harness.path("other.pem"));
  harness.server->refresh_certificate();
  CHECK(harness.connect().certificate() == second);
  std::filesystem::rename(harness.path("other.pem"), harness.path("key.pem"));
  harness.server->refresh_certificate();
  CHECK(harness.connect().certificate() != second);
}

TEST_CASE("A start without a usable certificate names the file") {
  for (const char* file : {"cert.pem", "key.pem"}) {
    Harness harness;
    std::ofstream(harness.path(file)) << "nothing";
    try {
      harness.start();
      FAIL("it started");
    } catch (const Failure& failure) {
      CHECK(std::string(failure.what()).find(file) != std::string::npos);
    }
  }
}
