// What documents mean to a provider: asked by syncs, and by whoever checks a checkout without a daemon.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "daemon/render/render.h"
#include "daemon/sync/blob_facts.h"
#include "daemon/sync/blobs.h"
#include "daemon/sync/item.h"
#include "daemon/sync/problems.h"

namespace gitopsd::render {
struct LeftOut;
}

namespace gitopsd::sync {

/// How much one call to a provider carries: well under a frame of the protocol, and short enough to be
/// cancelled.
inline constexpr std::size_t kBatchCount = 500;
inline constexpr std::size_t kBatchBytes = 1u << 20;

/// Who is asked, for which application.
struct Asking {
  Provider& provider;
  const config::Application& application;
  std::string_view digest_key;
};

/// Asks the provider what documents mean, with the files they need. Throws Failure with every problem, unless
/// there is `left_out` to take those that are of one document each.
std::vector<Item> resolve_documents(const Asking&, const source::Snapshot&, std::vector<render::Document>,
                                    BlobMemory&, SnapshotBlobs&, render::LeftOut* left_out = nullptr);

/// Documents of one application that mean the same thing, wherever they stand. `elsewhere`: which manifest
/// declares it that is not among the items', or nothing.
std::vector<Refused> duplicates(const CommitId&, const std::vector<Item>&,
                                const std::function<std::string(const ResourceId&)>& elsewhere = {});

/// What is wrong with something that is valid itself, and declared by what is left out, too, `other`: where
/// that is known.
Problem twin_of_left_out(const CommitId&, const Item&, const std::string& other);

}  // namespace gitopsd::sync
