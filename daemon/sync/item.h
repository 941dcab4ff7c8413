// One declared resource with everything that applying it needs, and the forms in which the store keeps it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/store/store.h"
#include "providers/protocol/messages.h"

namespace gitopsd::sync {

/// A blob of the repository that a document refers to.
struct BlobRef {
  std::string need;    ///< the path as the document wrote it
  std::string path;    ///< the same from the repository's root
  CommitId blob;       ///< Git's id
  std::string digest;  ///< hex SHA-256 of the bytes
  std::uint64_t size = 0;
};

/// Paths from the repository's root, each with its object id: a blob's, or a folder's tree.
using Needs = std::vector<std::pair<std::string, std::string>>;

struct Item {
  protocol::Resource resource;
  protocol::Document document;
  std::vector<BlobRef> blobs;
  Needs needs;          ///< what the document asked for: files, and folders of which each file is a blob
  std::string path;     ///< manifest file, from the repository's root
  int index = 0;        ///< document in that file
  bool stored = false;  ///< as the store has it, and not as it was written
  CommitId commit{};    ///< whose bytes these are, where that is another one than what is synced

  /// Where in `path` the member of the document is, or the document; nowhere where `stored`.
  Position position(const std::string& pointer) const;
};

/// What it takes of a call, roughly and rather too much.
std::size_t wire_bytes(const protocol::Document&);

/// The part of a resource that store::Declared and store::InventoryEntry keep as JSON.
std::string encode_resource(const Item& item);
/// The same for an inventory entry, with the commit whose bytes are applied.
std::string encode_applied(const Item& item, const CommitId& commit);
/// That commit; none where an older version wrote it.
CommitId applied_commit(const store::InventoryEntry&);
/// The reverse; `id` and `digest` come from the row.
protocol::Resource decode_resource(const ResourceId& id, const std::string& digest, const std::string& json);
/// Whether what is owned asks to be pruned so.
bool asks(const store::InventoryEntry& entry, protocol::Prune prune);
/// Whether that JSON is a hook's.
bool is_hook(const std::string& json);
/// Whether it runs when a sync fails and at no other time: what is declared of it is news to no sync.
bool only_after_failure(const protocol::Resource&);
/// The needs in that JSON.
Needs resource_needs(const std::string& json);

store::Declared to_declared(const Item& item);

/// An inventory entry as a provider sees it: what is owned, without an intent.
protocol::Entry owned_entry(const store::InventoryEntry& entry);
/// The same with its open intent, where there is one.
protocol::Entry wire_entry(const store::InventoryEntry& entry);

/// A document's stored bytes: its JSON and blob references, sealed under `key` where something in it is
/// sensitive.
std::string pack_document(const Item& item, std::string_view key);
/// Puts document and blobs into an item. Throws Failure (cause internal) when the bytes do not open.
void unpack_document(std::string_view bytes, std::string_view key, Item& item);

}  // namespace gitopsd::sync
