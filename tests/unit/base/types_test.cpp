#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/problem.h"
#include "base/types.h"

namespace gitopsd {

TEST_CASE("a ref is whole and well-formed or no ref at all") {
  for (const char* good : {"refs/heads/main", "refs/heads/feature/x-1", "refs/tags/v1.2",
                           "refs/heads/\xc3\xa9", "refs/heads/a@b", "refs/heads/x.locked"}) {
    CAPTURE(good);
    REQUIRE(Ref::parse(good));
    CHECK(Ref::parse(good)->str() == good);
  }
  for (const char* bad : {"main",
                          "refs/heads",
                          "refs/heads/",
                          "refs/heads/..",
                          "refs/heads/a..b",
                          "refs/heads/-x",
                          "refs/heads/a b",
                          "refs/heads/a\n",
                          "refs/heads/x.lock",
                          "refs/heads/x.lock/y",
                          "refs/heads/a//b",
                          "refs/heads/a@{1}",
                          "refs/heads/.a",
                          "refs/heads/a.",
                          "refs/heads/a\x7f",
                          "refs/heads/a~1",
                          "refs/heads/a^",
                          "refs/heads/a:b",
                          "refs/heads/*",
                          "refs/heads/a[b",
                          "refs/heads/a\\b",
                          "refs/heads/a?",
                          "refs//main",
                          ""}) {
    CAPTURE(bad);
    CHECK_FALSE(Ref::parse(bad));
  }
  CHECK_FALSE(Ref::parse("refs/heads/" + std::string(1100, 'x')));
  CHECK_FALSE(Ref::parse(std::string_view("refs/heads/a\0b", 14)));
}

TEST_CASE("a commit id has forty digits") {
  CHECK(CommitId::parse(std::string(40, 'A'))->str() == std::string(40, 'a'));
  CHECK(CommitId::parse("0123456789abcdef0123456789abcdef01234567")->short_str() == "0123456789");
  CHECK_FALSE(CommitId::parse(std::string(64, 'a')));
  CHECK_FALSE(CommitId::parse(std::string(39, 'a') + "g"));
  CHECK_FALSE(CommitId::parse(std::string(39, 'a')));
  CHECK(CommitId::parse(std::string(40, '0'))->is_zero());
  CHECK_FALSE(CommitId::parse(std::string(39, '0') + "1")->is_zero());
  CHECK_FALSE(CommitId().is_zero());
}

TEST_CASE("a problem's text has the parts that are there") {
  Problem p{ProblemCause::input, "wrong", "do this", "f.yaml", {3, 7}};
  CHECK(p.str() == "f.yaml:3:7: wrong (do this)");
  p.position.column = 0;
  CHECK(p.str() == "f.yaml:3: wrong (do this)");
  p.position = {};
  p.hint.clear();
  CHECK(p.str() == "f.yaml: wrong");
  p.file.clear();
  CHECK(p.str() == "wrong");
  p.position = {3, 7};
  CHECK(p.str() == "line 3:7: wrong");
}

TEST_CASE("a failure is transient only when all of it is") {
  const auto problem = [](ProblemCause cause) { return Problem{cause, "x", {}, {}, {}}; };
  using enum ProblemCause;
  CHECK(Failure({problem(transient), problem(transient)}).cause() == transient);
  CHECK(Failure({problem(transient), problem(permission)}).cause() == permission);
  CHECK(Failure({problem(transient), problem(permission)}).what() == std::string("x\nx"));
  CHECK(Failure(std::vector<Problem>{}).problems().size() == 1);
  // Those of a file together, by their lines.
  const auto there = [](const char* file, int line) { return Problem{input, "x", "", file, {line, 1}}; };
  CHECK(Failure({there("b", 2), there("a", 9), there("b", 1), there("a", 1)}).what() ==
        std::string("b:1:1: x\nb:2:1: x\na:1:1: x\na:9:1: x"));
  CHECK(fail(conflict, "a", "b").problems()[0].hint == "b");
  for (const auto cause : {input, permission, conflict, transient, destination, internal})
    CHECK(problem_cause(to_string(cause)) == cause);
  CHECK(problem_cause("else") == internal);
}

TEST_CASE("the nearest word is offered, and none that is far") {
  CHECK(did_you_mean("repositry", {"repository", "hooks"}) == "repository");
  CHECK(did_you_mean("hook", {"repository", "hooks"}) == "hooks");
  CHECK(did_you_mean("rfe", {"ref", "path"}) == "ref");  // swapped letters are one mistake
  CHECK(did_you_mean("zzz", {"repository", "hooks"}).empty());
  CHECK(did_you_mean("", {"a"}).empty());
  CHECK(did_you_mean(std::string(1000, 'a'), {std::string(1000, 'a')}).empty());
}

TEST_CASE("a moment is written in UTC with milliseconds") {
  CHECK(rfc3339(0) == "1970-01-01T00:00:00.000Z");
  CHECK(rfc3339(1'795'508'130'123'999) == "2026-11-24T08:15:30.123Z");
  CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999Z");
  const auto before = system_clock().monotonic();
  CHECK(system_clock().wall() > 1'700'000'000'000'000);
  CHECK(system_clock().monotonic() >= before);
}

}  // namespace gitopsd
