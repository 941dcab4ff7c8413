// Any bytes as a kustomization, as one of its manifests and as a document with variables: read, left to
// kustomize, or refused as input; never a file outside of the repository.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/render/kustomization.h"
#include "daemon/render/mention.h"
#include "daemon/render/substitute.h"
#include "tests/unit/render/tree.h"

namespace {

using namespace gitopsd;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class Read>
void read_or_refuse(const Read& read) {
  try {
    read();
  } catch (const Failure& failure) {
    require(failure.cause() == ProblemCause::input);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  test::Tree tree;
  tree.file("app/kustomization.yaml", text)
      .file("app/a.yaml", text)
      .file("base/kustomization.yaml", "resources: [b.yaml]");
  tree.file("base/b.yaml", "a: 1").put("app/link", source::EntryKind::symlink, "/etc/passwd");
  read_or_refuse([&] {
    const auto listing = render::list_kustomization(tree, "app");
    require(!listing.plain || (listing.closed && !listing.manifests.empty()));
    for (const auto& path : listing.reads) require(tree.entry(path).has_value());
  });
  read_or_refuse([&] { render::read_listed_manifest(tree, *tree.entry("app/a.yaml")); });
  read_or_refuse([&] {
    const std::map<std::string, std::string> variables{{"A", "1"}, {"B", ""}, {"C", "${A}"}};
    for (auto& document : render::read_manifest(tree, *tree.entry("app/a.yaml"))) {
      std::vector<Problem> problems;
      render::substitute(document, variables, "f", problems);
    }
  });
  if (const auto mention = render::mentioned_file(tree, {"app", "charts/a"}, text))
    require(tree.entry(mention->path).has_value());
  return 0;
}
