#include "providers/kubernetes/hook.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;
using protocol::Health;
using protocol::Hook;

namespace {

struct ReadHook {
  HookSpec hook;
  std::vector<std::string> problems;  ///< "annotation: message (hint)"
};

ReadHook hook_in(const std::string& annotations) {
  ReadHook out;
  out.hook =
      read_hook(object_of(annotations), [&](const auto& annotation, const auto& message, const auto& hint) {
        out.problems.push_back(annotation + ": " + message + " (" + hint + ")");
      });
  return out;
}

std::vector<Hook> times_in(const std::string& annotations) {
  const auto read = hook_in(annotations);
  CHECK(read.problems.empty());
  return read.hook.times;
}

std::string problem_in(const std::string& annotations) {
  const auto read = hook_in(annotations);
  REQUIRE(read.problems.size() == 1);
  return read.problems[0];
}

}  // namespace

TEST_CASE("the times of a hook, in three dialects") {
  using Times = std::vector<Hook>;
  CHECK(times_in("{gitopsd.io/hook: pre-sync}") == Times{Hook::pre});
  CHECK(times_in("{gitopsd.io/hook: 'sync,post-sync, sync-fail'}") ==
        Times{Hook::sync, Hook::post, Hook::fail});
  CHECK(times_in("{argocd.argoproj.io/hook: 'PreSync, Sync'}") == Times{Hook::pre, Hook::sync});
  CHECK(times_in("{argocd.argoproj.io/hook: 'PostSync,SyncFail,PreSync'}") ==
        Times{Hook::post, Hook::fail, Hook::pre});
  CHECK(times_in("{helm.sh/hook: 'pre-install,pre-upgrade'}") == Times{Hook::pre});
  CHECK(times_in("{helm.sh/hook: 'post-install,post-upgrade,post-delete'}") == Times{Hook::post});
  CHECK(times_in("{other: x}").empty());
}

TEST_CASE("the first dialect that says a time counts") {
  CHECK(times_in("{argocd.argoproj.io/hook: PostSync, helm.sh/hook: pre-install}") ==
        std::vector<Hook>{Hook::post});
  CHECK(times_in("{gitopsd.io/hook: sync, argocd.argoproj.io/hook: PostSync}") ==
        std::vector<Hook>{Hook::sync});
}

TEST_CASE("what has only times that never come is left out, and an old chart's definition is no hook") {
  for (const char* text : {"{gitopsd.io/hook: skip}", "{argocd.argoproj.io/hook: Skip}",
                           "{argocd.argoproj.io/hook: 'PreDelete,PostDelete'}", "{helm.sh/hook: test}",
                           "{helm.sh/hook: 'pre-delete,post-rollback,test-success'}"}) {
    CAPTURE(text);
    CHECK(times_in(text).empty());
    CHECK(hook_in(text).hook.left_out);
  }
  for (const char* text : {"{helm.sh/hook: crd-install}", "{}", "{helm.sh/hook-weight: '5'}"}) {
    CAPTURE(text);
    CHECK(times_in(text).empty());
    CHECK_FALSE(hook_in(text).hook.left_out);
  }
}

TEST_CASE("a hook's object goes after an end that its policy names, once that end is known") {
  const auto succeeded =
      hook_in("{gitopsd.io/hook: sync, gitopsd.io/hook-delete-policy: succeeded}").hook.memory();
  const auto failed =
      hook_in("{argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: HookFailed}")
          .hook.memory();
  const auto neither =
      hook_in("{helm.sh/hook: pre-install, helm.sh/hook-delete-policy: before-hook-creation}").hook.memory();
  const auto both = hook_in(
                        "{helm.sh/hook: test-success, argocd.argoproj.io/hook: Sync, "
                        "helm.sh/hook-delete-policy: 'hook-succeeded,hook-failed'}")
                        .hook.memory();
  CHECK(HookSpec::goes_after(succeeded, Health::healthy));
  CHECK_FALSE(HookSpec::goes_after(succeeded, Health::degraded));
  CHECK_FALSE(HookSpec::goes_after(failed, Health::healthy));
  CHECK(HookSpec::goes_after(failed, Health::degraded));
  CHECK_FALSE(HookSpec::goes_after(neither, Health::healthy));
  CHECK(HookSpec::goes_after(both, Health::healthy));
  CHECK(HookSpec::goes_after(both, Health::degraded));
  CHECK_FALSE(HookSpec::goes_after(both, Health::progressing));
  CHECK_FALSE(HookSpec::has_ended(both));
  CHECK(HookSpec::has_ended(HookSpec::ended(both)));
  CHECK(HookSpec::ended(HookSpec::ended(both)) == HookSpec::ended(both));
  CHECK(HookSpec::goes_after(HookSpec::ended(both), Health::healthy));
  CHECK(hook_in("{}").hook.memory().empty());
}

TEST_CASE("weights are whole numbers") {
  CHECK(hook_in("{helm.sh/hook: pre-install, helm.sh/hook-weight: '-5'}").hook.weight == -5);
  CHECK(hook_in("{helm.sh/hook: pre-install}").hook.weight == 0);
  CHECK(problem_in("{helm.sh/hook: pre-install, helm.sh/hook-weight: '1.5'}") ==
        "helm.sh/hook-weight: '1.5' is no number (quote a whole number: \"-5\")");
}

TEST_CASE("an unknown word is refused with the known ones") {
  CHECK(problem_in("{argocd.argoproj.io/hook: PreSnyc}") ==
        "argocd.argoproj.io/hook: 'PreSnyc' is no time of a hook (did you mean PreSync?)");
  CHECK(problem_in("{gitopsd.io/hook: whenever}")
            .find("it is one of post-sync, pre-sync, skip, sync, sync-fail") != std::string::npos);
  CHECK(problem_in("{gitopsd.io/hook: sync, gitopsd.io/hook-delete-policy: suceeded}")
            .find("did you mean succeeded?") != std::string::npos);
}

TEST_CASE("a run is the same for the same sync, step and document") {
  protocol::Step step;
  step.key = "run pre a";
  step.digest = "d";
  protocol::Step other = step;
  other.key = "run post a";
  CHECK(run_of("7", step) == run_of("7", step));
  CHECK(run_of("7", step) != run_of("8", step));
  CHECK(run_of("7", step) != run_of("7", other));
  other = step;
  other.digest = "e";
  CHECK(run_of("7", step) != run_of("7", other));
}
