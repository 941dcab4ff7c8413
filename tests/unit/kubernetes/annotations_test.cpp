#include "providers/kubernetes/annotations.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

/// "KEY: MESSAGE (HINT)" of the first; empty where all is well.
std::string fault_in(const std::string& yaml) {
  const auto faults = annotation_faults(object_of(yaml));
  if (faults.empty()) return {};
  return faults[0].key + ": " + faults[0].message +
         (faults[0].hint.empty() ? "" : " (" + faults[0].hint + ")");
}

}  // namespace

TEST_CASE("an annotation of ours that there is not, or has another word") {
  CHECK(fault_in("{gitopsd.io/drft: ignore}") ==
        "gitopsd.io/drft: there is no annotation `gitopsd.io/drft` (did you mean `gitopsd.io/drift`?)");
  CHECK(fault_in("{gitopsd.io/prune: nevr}") ==
        "gitopsd.io/prune: `gitopsd.io/prune` is auto, confirm or never");
  CHECK(fault_in("{gitopsd.io/drift: none}") ==
        "gitopsd.io/drift: `gitopsd.io/drift` is heal, report or ignore");
  CHECK(fault_in("{gitopsd.io/apply: crate-only}") ==
        "gitopsd.io/apply: `gitopsd.io/apply` is merge, create-only or replace");
  CHECK(fault_in("{gitopsd.io/prune: never, gitopsd.io/drift: report, gitopsd.io/apply: replace, "
                 "gitopsd.io/sync-wave: '-1', gitopsd.io/tracking-id: a/b/c}") == "");
  CHECK(fault_in("{example.com/gitopsd.io: x, prometheus.io/scrape: 'true'}") == "");
}

TEST_CASE("sync options of Argo CD: its own pass, also those without a meaning here") {
  CHECK(fault_in("{argocd.argoproj.io/sync-options: 'Prune=flase'}") ==
        "argocd.argoproj.io/sync-options: the sync option `Prune` is true, false or confirm");
  CHECK(fault_in("{argocd.argoproj.io/sync-options: 'Replace=true,Prnue=false'}") ==
        "argocd.argoproj.io/sync-options: Argo CD has no sync option `Prnue` (did you mean `Prune`?)");
  CHECK(fault_in("{argocd.argoproj.io/sync-options: Prune}") ==
        "argocd.argoproj.io/sync-options: the sync option `Prune` is true, false or confirm");
  for (const char* known :
       {"Prune=false, Delete=confirm", "ServerSideApply=true,Validate=false,",
        "SkipDryRunOnMissingResource=true", "PruneLast=true,PrunePropagationPolicy=orphan",
        "CreateNamespace=true,RespectIgnoreDifferences=true", ""})
    CHECK(fault_in(std::string("{argocd.argoproj.io/sync-options: '") + known + "'}") == "");
}
