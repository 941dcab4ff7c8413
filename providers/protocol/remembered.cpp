#include "providers/protocol/remembered.h"

#include <algorithm>

namespace gitopsd::protocol {
namespace {

constexpr std::size_t kManyBlobs = 64;      ///< some 8 kB
constexpr std::size_t kMostKept = 100'000;  ///< some 25 MB

bool is_long(const Document& document) {
  return document.blobs.size() >= kManyBlobs;
}

}  // namespace

bool any_long(const std::vector<Document>& documents) {
  return std::any_of(documents.begin(), documents.end(), is_long);
}

void only_named(std::vector<Document>& documents) {
  for (auto& document : documents)
    if (is_long(document)) document = {document.digest, Value(), {}};
}

void DocumentMemory::keep(const std::vector<Document>& documents) {
  for (const auto& document : documents) {
    if (!is_long(document)) continue;
    auto copy = std::make_shared<const Document>(document);
    const std::lock_guard lock(mutex_);
    blobs_ += copy->blobs.size();
    std::erase_if(kept_, [&](const auto& old) {
      if (old->digest != copy->digest) return false;
      blobs_ -= old->blobs.size();
      return true;
    });
    kept_.push_front(std::move(copy));
    for (; blobs_ > kMostKept && kept_.size() > 1; kept_.pop_back()) blobs_ -= kept_.back()->blobs.size();
  }
}

void DocumentMemory::recall(std::vector<Document>& documents) const {
  for (auto& document : documents) {
    if (!document.json.is_null()) continue;
    const auto kept = find(document.digest);
    if (!kept) throw Forgotten{};
    document = *kept;
  }
}

std::shared_ptr<const Document> DocumentMemory::find(const std::string& digest) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const auto& each) { return each->digest == digest; });
  return found == kept_.end() ? nullptr : *found;
}

}  // namespace gitopsd::protocol
