#include "ctl/table.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace gitopsd::ctl;

namespace {

std::string drawn(const Table& table) {
  return table.str(Terminal());
}

}  // namespace

TEST_CASE("columns are aligned by what is seen") {
  Table table({"NAME", ">COUNT", "WHY"});
  table.add({"web", "7", "because"});
  table.add({"größe", "1234567", ""});
  CHECK(drawn(table) ==
        "NAME     COUNT  WHY\n"
        "web          7  because\n"
        "größe  1234567\n");
}

TEST_CASE("a column without any text is left out") {
  Table table({"A", "B", "C"});
  table.add({"1", "", "3"});
  CHECK(drawn(table) == "A  C\n1  3\n");
}

TEST_CASE("a cell stays on its line and cannot steer the terminal") {
  Table table({"A", "B"});
  table.add({"x\ny\x1b[2J", "z"});
  CHECK(drawn(table) == "A            B\nx\\ny\\x1b[2J  z\n");
}

TEST_CASE("a row needs as many cells as there are titles") {
  Table table({"A", "B"});
  CHECK_THROWS_AS(table.add({"only one"}), std::logic_error);
}

TEST_CASE("details align their values and indent further lines") {
  Details details;
  details.add("event", "7");
  details.add("empty", "");
  details.add("error", Cell("first\nsecond\x07\n"));
  CHECK(details.str(Terminal()) == "event:  7\nerror:  first\n        second\\x07\n");
}
