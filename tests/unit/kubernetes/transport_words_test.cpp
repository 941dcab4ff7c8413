#include "providers/kubernetes/transport_words.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "base/file.h"

using gitopsd::kubernetes::transport_words;

TEST_CASE("the same failure to connect has the same words, and they say why") {
  for (const auto* said :
       {"Failed to connect to 127.0.0.1 port 6443 after 0 ms: Couldn't connect to server",
        "Failed to connect to 127.0.0.1 port 6443 after 12 ms: Couldn't connect to server"}) {
    CHECK(transport_words(said, ECONNREFUSED) == "127.0.0.1 port 6443: " + gitopsd::errno_text(ECONNREFUSED));
    CHECK(transport_words(said, 0) == "Failed to connect to 127.0.0.1 port 6443: Couldn't connect to server");
  }
  CHECK(transport_words("Operation timed out after 30001 milliseconds with 0 bytes received", 0) ==
        "Operation timed out with 0 bytes received");
  CHECK(transport_words("Connection timed out after 5000 milliseconds", 0) == "Connection timed out");
  CHECK(transport_words("the server ended it after all", 0) == "the server ended it after all");
  CHECK(transport_words("", 0).empty());
  CHECK(transport_words("ends after ", 0) == "ends after ");
}
