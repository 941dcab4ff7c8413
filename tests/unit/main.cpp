// The main program of every unit's tests.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace {

/// Says on standard error which test case begins, so that a sanitizer's report or a crash tells which one it
/// belongs to.
class Narrator final : public doctest::IReporter {
 public:
  explicit Narrator(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override { say(""); }
  void test_case_start(const doctest::TestCaseData& test) override { say(test.m_name); }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  static void say(const char* name) {
    if (std::getenv("GITOPSD_NAME_TESTS")) std::fprintf(stderr, "\n==== test case: %s\n", name);
  }
};

REGISTER_LISTENER("narrator", 1, Narrator);

}  // namespace
