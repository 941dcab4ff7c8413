// What kustomize and Helm make of a path.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/render/kustomization.h"
#include "daemon/render/sandbox.h"

namespace gitopsd::render {

/// The last outputs of renderers, by all that they were made of: a plan, its approval and a second attempt
/// render once. In memory only, since there are secrets in some. Thread-safe.
class OutputCache {
 public:
  std::optional<std::string> find(const std::string& key);
  void put(const std::string& key, const std::string& output);

 private:
  static constexpr std::size_t kMostBytes = 64u << 20;
  std::mutex mutex_;
  std::list<std::pair<std::string, std::string>> outputs_;  ///< the last used first
  std::size_t bytes_ = 0;
};

/// What a renderer is given besides the snapshot.
struct External {
  Sandbox sandbox;
  std::shared_ptr<OutputCache> cache = std::make_shared<OutputCache>();
};

struct Rendered {
  std::vector<Document> documents;    ///< without positions: nobody wrote those lines
  std::set<std::string> reads;        ///< files and folders that it may have read; "" is the whole repository
  std::vector<std::string> programs;  ///< what rendered it
};

// `context` is the destination's: {kubeVersion, apiVersions}.
/// What builds a kustomization, by absolute path; a second one inflates its charts. Empty: it is not here.
std::string kustomize_program(const External&);
std::string helm_program(const External&);
/// `kustomize build` of the application's path. Throws Failure with what it said.
Rendered render_kustomize(const External&, const source::Snapshot&, const config::Application&,
                          const Listing&, const Value& context);
/// `helm template` of the application's path.
Rendered render_helm(const External&, const source::Snapshot&, const config::Application&,
                     const Value& context);

/// The documents of one rendered text; all are of `file`. Throws Failure.
std::vector<Document> read_rendered(std::string_view text, const source::TreeEntry& file,
                                    const std::string& place, std::size_t limit);

}  // namespace gitopsd::render
