#include "handlers/push.h"

namespace gitopsd::handlers {
namespace {

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxActor = 256;

std::string quoted(std::string_view key) {
  return "`" + std::string(key) + "`";
}

}  // namespace

void PushReader::refuse(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

std::string_view PushReader::text(const Node& object, std::string_view key) {
  return text_of(object[key], key);
}

std::string_view PushReader::optional_text(const Node& object, std::string_view key) {
  return optional_text_of(object[key], key);
}

std::string_view PushReader::text_of(const Node& node, std::string_view key) {
  if (node.is(Node::Kind::missing))
    refuse(quoted(key) + " is missing");
  else if (!node.is(Node::Kind::text))
    refuse(quoted(key) + " is not a text");
  else if (node.text().empty())
    refuse(quoted(key) + " is empty");
  else if (node.text().size() > kMaxText)
    refuse(quoted(key) + " is longer than 4096 bytes");
  else
    return node.text();
  return {};
}

std::string_view PushReader::optional_text_of(const Node& node, std::string_view key) {
  if (node.is(Node::Kind::missing) || node.is(Node::Kind::null)) return {};
  if (!node.is(Node::Kind::text))
    refuse(quoted(key) + " is not a text");
  else if (node.text().size() > kMaxText)
    refuse(quoted(key) + " is longer than 4096 bytes");
  else
    return node.text();
  return {};
}

Node PushReader::object(const Node& parent, std::string_view key) {
  const Node node = parent[key];
  if (!node.is(Node::Kind::object)) refuse(quoted(key) + " is not an object");
  return node;
}

Node PushReader::optional_object(const Node& parent, std::string_view key) {
  const Node node = parent[key];
  if (node.is(Node::Kind::missing) || node.is(Node::Kind::null)) return {};
  return object(parent, key);
}

std::vector<Node> PushReader::objects(const Node& parent, std::string_view key) {
  const Node node = parent[key];
  if (!node.is(Node::Kind::array)) {
    refuse(quoted(key) + " is not an array");
    return {};
  }
  auto items = node.items();
  for (const Node& item : items)
    if (!item.is(Node::Kind::object)) refuse(quoted(key) + " holds something that is not an object");
  return items;
}

CommitId PushReader::commit(const Node& object, std::string_view key, bool& zero) {
  const std::string_view hex = text(object, key);
  const auto id = CommitId::parse(hex);
  zero = id && id->is_zero();
  if (id) return zero ? CommitId{} : *id;
  if (hex.size() == 64)
    refuse(quoted(key) + " is an object id of a SHA-256 repository, which is not supported");
  else
    refuse(quoted(key) + " is not an object id of 40 hexadecimal digits");
  return {};
}

PushEvent PushReader::change(const Node& object, std::string_view actor) {
  PushEvent event;
  const std::string_view name = text(object, "ref");
  const auto ref = Ref::parse(name);
  // git-branch(1) and git-tag(1) make no name with a leading dash; whatever sends one hopes for a command
  // line.
  if (!ref || !name.starts_with("refs/") || name.find("/-") != name.npos)
    refuse("`ref` is not a full ref name");
  else
    event.ref = *ref;
  bool created = false;
  event.before = commit(object, "before", created);
  event.after = commit(object, "after", event.deleted);
  if (created && event.deleted) refuse("`before` and `after` are both zero");
  event.actor = printable_actor(actor);
  return event;
}

RepositoryClaim PushReader::claim(const Node& repository, std::span<const std::string_view> keys) {
  std::vector<Node> nodes(keys.size());
  repository.find(keys, nodes);
  RepositoryClaim claim;
  claim.full_name = text_of(nodes[0], keys[0]);
  for (std::size_t i = 1; i < keys.size(); ++i)
    if (const auto url = optional_text_of(nodes[i], keys[i]); !url.empty()) claim.urls.emplace_back(url);
  return claim;
}

std::string printable_actor(std::string_view name) {
  if (name.size() > kMaxActor) {
    std::size_t end = kMaxActor;
    while (end > 0 && (name[end] & 0xc0) == 0x80) --end;
    name = name.substr(0, end);
  }
  std::string actor(name);
  for (char& c : actor)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return actor;
}

}  // namespace gitopsd::handlers
