#include "ctl/terminal.h"

#include <doctest/doctest.h>

#include "base/json.h"

using namespace gitopsd;
using namespace gitopsd::ctl;

TEST_CASE("nothing from outside can steer the terminal") {
  CHECK(safe("plain äöü ✓ 🚀") == "plain äöü ✓ 🚀");
  CHECK(safe("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m");
  CHECK(safe("a\rb\nc\td\x7f\b") == "a\\x0db\\nc\\td\\x7f\\x08");
  CHECK(safe(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(safe("\xc2\x9b"
             "31m") == "\\x9b31m");  // C1 CSI in UTF-8
  CHECK(safe("\x9b"
             "31m") == "\\x9b31m");  // and as a bare byte
  CHECK(safe("\xe2\x80\xae"
             "fdp.exe") == "\\u202efdp.exe");  // right-to-left override
  CHECK(safe("\xe2\x81\xa6x\xe2\x81\xa9") == "\\u2066x\\u2069");
}

TEST_CASE("bytes that are no UTF-8 are shown as such") {
  CHECK(safe("\xff\xfe") == "\\xff\\xfe");
  CHECK(safe("\xc0\x9b") == "\\xc0\\x9b");           // overlong
  CHECK(safe("\xe0\x80\x9b") == "\\xe0\\x80\\x9b");  // overlong
  CHECK(safe("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // surrogate
  CHECK(safe("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(safe("\xe2\x80") == "\\xe2\\x80");  // cut off
}

TEST_CASE("line feeds stay where several lines are wanted") {
  CHECK(safe("a\nb\x1b", true) == "a\nb\\x1b");
}

TEST_CASE("JSON for a terminal stays JSON with the same meaning") {
  const Value value = Value::object({{"a\x7f",
                                      "x\xc2\x9b"
                                      "31m\xe2\x80\xae"},
                                     {"b", "\x1b[0m\n"}});
  const auto text = safe_json(to_pretty_json(value));
  for (const char c : text) CHECK((c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)));
  CHECK(text.find("\xc2\x9b") == text.npos);
  CHECK(parse_json(text) == value);
}

TEST_CASE("width counts what is seen") {
  CHECK(width("") == 0);
  CHECK(width("abc") == 3);
  CHECK(width("äö…") == 3);
  CHECK(shortened("abcdef", 6) == "abcdef");
  CHECK(shortened("abcdef", 4) == "abc…");
  CHECK(shortened("äöüß", 2) == "ä…");
  CHECK(shortened("abc", 0) == "");
}

TEST_CASE("no colour where output is no terminal") {
  std::FILE* const file = std::tmpfile();
  const Terminal terminal(file);
  CHECK(!terminal.colours());
  CHECK(terminal.columns() == 0);
  CHECK(terminal.paint(Colour::red, "x") == "x");
  std::fclose(file);
}
