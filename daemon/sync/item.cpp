#include "daemon/sync/item.h"

#include <algorithm>

#include "base/json.h"
#include "daemon/sync/seal.h"

namespace gitopsd::sync {

Position Item::position(const std::string& pointer) const {
  if (stored) return {};
  const Value* member = document.json.at_pointer(pointer);
  return member ? member->position : document.json.position;
}

namespace {

Value resource_value(const Item& item) {
  Value json = encode(item.resource);
  json.as_object().erase("id");
  json.as_object().erase("document");
  if (!item.needs.empty()) {
    Value needs = Value::array();
    for (const auto& [path, id] : item.needs) needs.push(Value::Array{path, id});
    json.set("needs", std::move(needs));
  }
  return json;
}

}  // namespace

std::string encode_resource(const Item& item) {
  return to_json(resource_value(item));
}

std::string encode_applied(const Item& item, const CommitId& commit) {
  Value json = resource_value(item);
  if (!commit.empty()) json.set("commit", commit.str());
  return to_json(json);
}

CommitId applied_commit(const store::InventoryEntry& entry) {
  if (entry.resource.empty()) return {};
  return CommitId::parse(parse_json(entry.resource).get_string("commit")).value_or(CommitId{});
}

protocol::Resource decode_resource(const ResourceId& id, const std::string& digest, const std::string& json) {
  Value value = parse_json(json);
  value.set("id", id.str());
  value.set("document", digest);
  return protocol::decode_as<protocol::Resource>(value);
}

bool asks(const store::InventoryEntry& entry, protocol::Prune prune) {
  if (entry.resource.empty()) return prune == protocol::Prune::automatic;
  return decode_resource(entry.id, entry.owned_digest, entry.resource).options.prune == prune;
}

bool is_hook(const std::string& json) {
  return json.find("\"hooks\":[") != std::string::npos;  // within a text the quotes would be escaped
}

bool only_after_failure(const protocol::Resource& resource) {
  return !resource.hooks.empty() && std::all_of(resource.hooks.begin(), resource.hooks.end(),
                                                [](auto time) { return time == protocol::Hook::fail; });
}

Needs resource_needs(const std::string& json) {
  Needs needs;
  if (json.find("\"needs\"") == std::string::npos) return needs;  // most have none: spare the parse
  const Value value = parse_json(json);
  for (const auto& pair : value.get_array("needs")) {
    const auto& p = pair.as_array();
    if (p.size() == 2) needs.emplace_back(p[0].as_string(), p[1].as_string());
  }
  return needs;
}

store::Declared to_declared(const Item& item) {
  return {item.resource.id, item.document.digest, item.path, item.index, encode_resource(item)};
}

protocol::Entry owned_entry(const store::InventoryEntry& entry) {
  protocol::Entry wire{entry.id, {}, {}};
  if (!entry.owned_digest.empty()) wire.owned = {entry.owned_digest, entry.receipt};
  wire.from = entry.from.str();
  return wire;
}

protocol::Entry wire_entry(const store::InventoryEntry& entry) {
  protocol::Entry wire = owned_entry(entry);
  if (entry.intended_sync) {
    wire.intended = {std::to_string(entry.intended_sync.value), entry.intended_digest};
  }
  return wire;
}

std::size_t wire_bytes(const protocol::Document& document) {
  constexpr std::size_t kBesidePath = 128;  // digest, size and the members' names
  std::size_t bytes = to_json(document.json).size();
  for (const auto& blob : document.blobs) bytes += blob.path.size() + kBesidePath;
  return bytes;
}

std::string pack_document(const Item& item, std::string_view key) {
  Value blobs = Value::array();
  for (const auto& b : item.blobs) {
    blobs.push(Value::object({{"need", b.need},
                              {"path", b.path},
                              {"blob", b.blob.str()},
                              {"digest", b.digest},
                              {"size", b.size}}));
  }
  std::string plain = to_json(Value::object({{"json", item.document.json}, {"blobs", std::move(blobs)}}));
  if (item.resource.sensitive.empty()) return plain;
  std::string sealed = seal(key, plain);
  wipe(plain.data(), plain.size());
  return sealed;
}

void unpack_document(std::string_view bytes, std::string_view key, Item& item) {
  item.stored = true;
  const Value value =
      parse_json(is_sealed(bytes) ? unseal(key, bytes) : std::string(bytes), "stored document");
  if (const Value* json = value.find("json")) item.document.json = *json;
  item.blobs.clear();
  item.document.blobs.clear();
  for (const auto& b : value.get_array("blobs")) {
    BlobRef ref{b.get_string("need"), b.get_string("path"),
                CommitId::parse(b.get_string("blob")).value_or(CommitId{}), b.get_string("digest"),
                static_cast<std::uint64_t>(b.get_int("size"))};
    item.document.blobs.push_back({ref.need, {ref.digest, ref.size}});
    item.blobs.push_back(std::move(ref));
  }
}

}  // namespace gitopsd::sync
