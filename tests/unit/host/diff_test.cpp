#include <doctest/doctest.h>

#include "providers/host/diff.h"

using namespace gitopsd::host;
using Text = std::optional<std::string>;

TEST_CASE("a diff is unified") {
  CHECK(unified_diff("/f", Text("a\nb\nc\n"), Text("a\nB\nc\n")) ==
        "--- /f\n+++ /f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
  CHECK(unified_diff("/f", std::nullopt, Text("x\n")) == "--- /dev/null\n+++ /f\n@@ -0,0 +1 @@\n+x\n");
  CHECK(unified_diff("/f", Text("x\n"), std::nullopt) == "--- /f\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
  CHECK(unified_diff("/f", Text("x"), Text("x")).empty());
  CHECK(unified_diff("/f", Text("x"), Text("x\n")).find("newline at the end") != std::string::npos);
}

TEST_CASE("far changes are hunks of their own") {
  std::string before, after;
  for (int i = 0; i < 40; ++i) {
    before += std::to_string(i) + "\n";
    after += (i == 5 || i == 30 ? "changed" : std::to_string(i)) + "\n";
  }
  const std::string diff = unified_diff("/f", before, after);
  CHECK(diff.find("@@ -3,7 +3,7 @@") != std::string::npos);
  CHECK(diff.find("@@ -28,7 +28,7 @@") != std::string::npos);
  CHECK(diff.find(" 15\n") == std::string::npos);
}

TEST_CASE("a diff is bounded and valid text") {
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += std::to_string(i * 7919) + "\n";
  const std::string diff = unified_diff("/f", Text("x\n"), large);
  CHECK(diff.size() < 20'000);
  CHECK(diff.find("shortened") != std::string::npos);
  std::string wide = "x";
  for (int i = 0; i < 2000; ++i) wide += "\xc3\xa4";
  CHECK(is_text(unified_diff("/f", std::nullopt, wide)));
}

TEST_CASE("bytes that are no text are told by size") {
  for (const std::string& bytes : {std::string("\0", 1), std::string("\xff"), std::string("\x1b[2J"),
                                   std::string("\xed\xa0\x80"), std::string("\xc0\x80")})
    CHECK(unified_diff("/f", std::nullopt, bytes).starts_with("binary content: nothing before"));
}
