#include "daemon/render/read_path.h"

#include <iterator>

#include "daemon/render/place.h"
#include "daemon/render/substitute.h"

namespace gitopsd::render {
namespace {

// Nobody reads more of them, and a hostile repository could have a hundred thousand.
constexpr std::size_t kMostProblems = 1000;

class Problems {
 public:
  /// Keeps what is wrong with the input; anything else is thrown on. False when there are enough.
  bool add(const Failure& failure) {
    if (failure.cause() != ProblemCause::input) throw failure;
    for (const auto& p : failure.problems()) found_.push_back(p);
    return found_.size() <= kMostProblems;
  }
  void throw_if_any() {
    if (!found_.empty()) throw Failure(std::move(found_));
  }
  std::vector<Problem> take() { return std::move(found_); }

 private:
  std::vector<Problem> found_;
};

/// All documents that `add` takes out of the manifests; every problem of every one of them.
template <class Add>
void each_manifest(const std::vector<source::TreeEntry>& manifests, const Add& add,
                   LeftOut* left_out = nullptr) {
  Problems problems;
  bool enough = false;
  for (const auto& entry : manifests) {
    try {
      add(entry);
    } catch (const Failure& failure) {
      enough = !problems.add(failure);
      if (enough) break;
      if (!left_out) continue;
      left_out->paths.insert(entry.path);
      left_out->unknown.insert(entry.path);
      ++left_out->count;
    }
  }
  if (!left_out || enough) return problems.throw_if_any();
  for (auto& problem : problems.take()) left_out->problems.push_back(std::move(problem));
}

std::vector<Document> read_kustomization(const External& external, const source::Snapshot& snapshot,
                                         const config::Application& app, const Listing& listing,
                                         const Value& context) {
  const bool overlaid = app.kustomize.is_object() && !app.kustomize.as_object().empty();
  if (listing.plain && !overlaid)
    if (auto documents = read_listed_manifests(snapshot, listing.manifests)) return *std::move(documents);
  return render_kustomize(external, snapshot, app, listing, context).documents;
}

std::vector<Document> read_anything(const External& external, const source::Snapshot& snapshot,
                                    const config::Application& app, const Value& context, LeftOut* left_out) {
  const auto renderer = renderer_of(snapshot, app);
  if (renderer == Renderer::helm) return render_helm(external, snapshot, app, context).documents;
  if (renderer == Renderer::kustomize && root_kustomization(snapshot, app))
    return read_kustomization(external, snapshot, app, list_kustomization(snapshot, app.path), context);
  if (renderer == Renderer::directory &&
      (!app.include.empty() || find_resources(snapshot, app).bases.empty()))
    return read_manifests(snapshot, manifests(snapshot, app), left_out);
  return read_kustomization(external, snapshot, app, list_generated(snapshot, app), context);
}

}  // namespace

std::vector<Document> read_manifests(const source::Snapshot& snapshot,
                                     const std::vector<source::TreeEntry>& manifests, LeftOut* left_out) {
  std::vector<Document> documents;
  each_manifest(
      manifests,
      [&](const source::TreeEntry& entry) {
        std::vector<Document> readable;
        try {
          for (auto& d : read_manifest(snapshot, entry, {}, nullptr, &readable))
            documents.push_back(std::move(d));
        } catch (const Failure&) {
          if (left_out) std::move(readable.begin(), readable.end(), std::back_inserter(left_out->readable));
          throw;
        }
      },
      left_out);
  return documents;
}

std::optional<std::vector<Document>> read_listed_manifests(const source::Snapshot& snapshot,
                                                           const std::vector<source::TreeEntry>& manifests) {
  std::vector<Document> documents;
  bool same = true;
  each_manifest(manifests, [&](const source::TreeEntry& entry) {
    auto read = read_listed_manifest(snapshot, entry);
    same = same && read;
    if (!same) return;
    for (auto& d : *read) documents.push_back(std::move(d));
  });
  if (!same) return std::nullopt;
  return documents;
}

void substitute_all(const source::Snapshot& snapshot, const std::map<std::string, std::string>& variables,
                    std::vector<Document>& documents, LeftOut* left_out) {
  std::vector<Problem> problems;
  std::erase_if(documents, [&](Document& document) {
    const auto before = problems.size();
    substitute(document, variables, place(snapshot.commit(), document.path), problems);
    const bool wrong = problems.size() > before;
    if (!wrong || !left_out) return wrong;
    left_out->paths.insert(document.path);
    left_out->readable.push_back(std::move(document));
    ++left_out->count;
    return true;
  });
  if (!left_out && !problems.empty()) throw Failure(std::move(problems));
  for (auto& problem : problems) left_out->problems.push_back(std::move(problem));
}

std::vector<Document> read_path(const External& external, const source::Snapshot& snapshot,
                                const config::Application& app, const Value& context,
                                std::vector<Problem>* wrong) {
  LeftOut left_out;
  LeftOut* const taking = wrong ? &left_out : nullptr;
  auto documents = read_anything(external, snapshot, app, context, taking);
  // Those that are right themselves are asked about, too.
  std::move(left_out.readable.begin(), left_out.readable.end(), std::back_inserter(documents));
  substitute_all(snapshot, app.substitute, documents, taking);
  if (wrong) *wrong = std::move(left_out.problems);
  return documents;
}

}  // namespace gitopsd::render
