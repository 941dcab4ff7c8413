// What the tests of kustomizations compare: what is read without kustomize, and what the real one prints.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "base/json.h"
#include "daemon/render/external.h"
#include "daemon/render/kustomization.h"
#include "daemon/render/sandbox.h"
#include "tests/unit/render/tree.h"

namespace gitopsd::test {

namespace fs = std::filesystem;

using Files = std::vector<std::pair<std::string, std::string>>;

inline const std::string kMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

inline std::string named(const std::string& name, const std::string& kind = "ConfigMap") {
  return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: " + name + "}\n";
}

inline std::string kustomize() {
  const char* path = std::getenv("GITOPSD_KUSTOMIZE");
  REQUIRE_MESSAGE(path != nullptr, "GITOPSD_KUSTOMIZE names the program to compare with");
  return path;
}

inline Tree tree_of(const Files& files) {
  Tree tree;
  for (const auto& [path, text] : files) tree.file(path, text);
  return tree;
}

/// Each document on a line, in order; "refused" where there is no result, "left" where it is kustomize's.
inline std::string by_us(const Tree& tree) {
  const auto listing = render::list_kustomization(tree, "app");
  CHECK(listing.plain);
  std::string out;
  try {
    for (const auto& entry : listing.manifests) {
      const auto documents = render::read_listed_manifest(tree, entry);
      if (!documents) return "left";
      for (const auto& document : *documents) out += to_json(document.json) + "\n";
    }
  } catch (const Failure&) {
    return "refused";
  }
  return out;
}

inline std::string by_kustomize(const Tree& tree) {
  const std::string base = fs::temp_directory_path() / ("gitopsd-equal-" + std::to_string(::getpid()));
  const render::Sandbox sandbox{GITOPSD_RENDER, base, {}};
  std::string out;
  {
    const render::RunFolder folder(sandbox);
    folder.write(tree, {""});
    // In the order of the files: which one comes first does not matter to a destination, whose provider
    // orders steps.
    const auto ran = render::run_in_sandbox(sandbox, folder,
                                            {kustomize(), "build", "--reorder", "none", "--load-restrictor",
                                             "LoadRestrictionsNone", folder.tree() + "/app"});
    if (!ran.failed.empty()) {
      out = "refused";
    } else {
      try {
        const source::TreeEntry file{"kustomize", {}, source::EntryKind::file};
        for (const auto& d : render::read_rendered(ran.output, file, "kustomize", 1u << 20))
          out += to_json(d.json) + "\n";
      } catch (const Failure&) {
        out = "refused";
      }
    }
  }
  fs::remove_all(base);
  return out;
}

/// The same, or left to kustomize; false for the latter.
inline bool check_equal(const Files& files) {
  const auto tree = tree_of(files);
  const auto ours = by_us(tree);
  if (ours != "left") CHECK(ours == by_kustomize(tree));
  return ours != "left";
}

}  // namespace gitopsd::test
