#include "daemon/source/object.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "daemon/source/operation.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kTagBytes = 1u << 20;
constexpr int kTagDepth = 16;

bool is_git(std::string_view name) {
  return name.size() == 4 && strncasecmp(name.data(), ".git", 4) == 0;
}

bool is_safe_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         name.find('/') == std::string_view::npos && !is_git(name);
}

/// By the file type's bits: old tools wrote modes such as 040000 and 100664.
std::optional<EntryKind> kind_of(std::string_view mode) {
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(mode.data(), mode.data() + mode.size(), bits, 8);
  if (error != std::errc() || end != mode.data() + mode.size() || mode.size() > 6) return std::nullopt;
  switch (bits & 0170000U) {
    case 0040000:
      return EntryKind::directory;
    case 0120000:
      return EntryKind::symlink;
    case 0160000:
      return EntryKind::submodule;
    case 0100000:
      return (bits & 0100U) != 0 ? EntryKind::executable : EntryKind::file;
    default:
      return std::nullopt;
  }
}

/// The value of a header line such as "tree HEX", taken off the front of `rest`.
std::optional<std::string_view> take_line(std::string_view& rest, std::string_view key) {
  if (!rest.starts_with(key)) return std::nullopt;
  const auto newline = rest.find('\n');
  if (newline == std::string_view::npos) return std::nullopt;
  const std::string_view value = rest.substr(key.size(), newline - key.size());
  rest.remove_prefix(newline + 1);
  return value;
}

}  // namespace

std::optional<ObjectHeader> object_header(const Depot::Lease& lease, const CommitId& id) {
  ObjectHeader out;
  const git_oid oid = to_oid(id);
  if (git_odb_read_header(&out.size, &out.type, lease.odb(), &oid) == 0) return out;
  git_error_clear();
  return std::nullopt;
}

GitObject read_object(Depot& depot, const Depot::Lease& lease, const CommitId& id, git_object_t type,
                      std::size_t limit, std::string_view what) {
  const auto header = object_header(lease, id);
  if (!header) {
    depot.mark_damaged();
    throw fail(ProblemCause::transient,
               std::string(what) + ": object " + id.str() + " is missing in the mirror",
               "the mirror is cloned anew by the next fetch");
  }
  if (header->type != type)
    throw fail(ProblemCause::input, std::string(what) + ": object " + id.str() + " is a " +
                                        git_object_type2string(header->type) + ", not a " +
                                        git_object_type2string(type));
  if (header->size > limit)
    throw fail(ProblemCause::input,
               std::string(what) + ": " + std::to_string(header->size) + " bytes, the limit is " +
                   std::to_string(limit),
               "keep large files out of the repository, or out of the application's path");
  git_odb_object* object = nullptr;
  const git_oid oid = to_oid(id);
  if (git_odb_read(&object, lease.odb(), &oid) != 0) {
    depot.mark_damaged();
    Problem problem =
        git_failure(ProblemCause::transient, what, "object " + id.str() + " is damaged").problems()[0];
    problem.hint = "the mirror is cloned anew by the next fetch";
    throw Failure(std::move(problem));
  }
  return GitObject(object);
}

std::string_view bytes_of(const GitObject& object) {
  return {static_cast<const char*>(git_odb_object_data(object.get())), git_odb_object_size(object.get())};
}

CommitId TreeItem::id() const {
  git_oid oid{};
  std::memcpy(oid.id, raw_id.data(), GIT_OID_RAWSZ);
  return to_id(oid);
}

int compare_items(const TreeItem& a, const TreeItem& b) {
  const std::size_t common = std::min(a.name.size(), b.name.size());
  if (const int order = std::memcmp(a.name.data(), b.name.data(), common); order != 0) return order;
  const auto after = [&](const TreeItem& item) -> int {
    if (item.name.size() > common) return static_cast<unsigned char>(item.name[common]);
    return item.kind == EntryKind::directory ? '/' : 0;
  };
  const int next = after(a) - after(b);
  if (next != 0 || a.name.size() == b.name.size()) return next;
  return a.name.size() < b.name.size() ? -1 : 1;
}

namespace {

/// Where Git's order has an item of that name that is a folder, or that is none.
const TreeItem* find_sorted(const std::vector<TreeItem>& items, std::string_view name, EntryKind kind) {
  const TreeItem wanted{name, {}, kind};
  const auto at =
      std::lower_bound(items.begin(), items.end(), wanted,
                       [](const TreeItem& a, const TreeItem& b) { return compare_items(a, b) < 0; });
  return at != items.end() && at->name == name ? &*at : nullptr;
}

bool has_file(const std::vector<TreeItem>& items, std::string_view name) {
  return find_sorted(items, name, EntryKind::file) != nullptr;
}

}  // namespace

const TreeItem* find_item(const std::vector<TreeItem>& items, std::string_view name) {
  // Git's order depends on the kind, which is not known: a folder sorts as if its name ended in a slash.
  for (const EntryKind kind : {EntryKind::file, EntryKind::directory})
    if (const TreeItem* found = find_sorted(items, name, kind)) return found;
  return nullptr;
}

std::vector<TreeItem> parse_tree(std::string_view bytes, std::string_view where) {
  const auto bad = [&](const std::string& what) {
    return fail(ProblemCause::input, std::string(where) + ": " + what,
                "no Git client makes such a tree: `git fsck` in a clone shows it; rewrite that commit");
  };
  std::vector<TreeItem> out;
  while (!bytes.empty()) {
    const auto space = bytes.find(' ');
    const auto zero = bytes.find('\0');
    if (space == std::string_view::npos || zero == std::string_view::npos || space > zero ||
        bytes.size() < zero + 1 + GIT_OID_RAWSZ)
      throw bad("a tree that is cut off");
    const std::string_view mode = bytes.substr(0, space);
    const auto kind = kind_of(mode);
    if (!kind) throw bad("an entry with the mode " + printable(mode, 16));
    const TreeItem item{bytes.substr(space + 1, zero - space - 1), bytes.substr(zero + 1, GIT_OID_RAWSZ),
                        *kind};
    bytes.remove_prefix(zero + 1 + GIT_OID_RAWSZ);
    if (!is_safe_name(item.name)) throw bad("an entry with the unsafe name \"" + printable(item.name) + "\"");
    if (!out.empty() && (compare_items(out.back(), item) >= 0 || out.back().name == item.name))
      throw bad("entries out of order or twice, at \"" + printable(item.name) + "\"");
    // Of a folder and a file of one name the file comes first, with others such as "a.b" and "a-" between the
    // two. Whoever writes the tree to a disk would write through a symbolic link of the folder's name.
    if (item.kind == EntryKind::directory && has_file(out, item.name))
      throw bad("entries out of order or twice, at \"" + printable(item.name) + "\"");
    out.push_back(item);
  }
  return out;
}

std::optional<CommitText> parse_commit(std::string_view bytes) {
  CommitText out;
  const auto tree = take_line(bytes, "tree ");
  const auto tree_id = tree ? CommitId::parse(*tree) : std::nullopt;
  if (!tree_id) return std::nullopt;
  out.tree = *tree_id;
  while (const auto parent = take_line(bytes, "parent ")) {
    const auto id = CommitId::parse(*parent);
    if (!id) return std::nullopt;
    out.parents.push_back(*id);
  }
  if (const auto author = take_line(bytes, "author ")) {
    const auto end = author->rfind('>');
    out.author = end == std::string_view::npos ? *author : author->substr(0, end + 1);
  }
  const auto body = bytes.find("\n\n");
  if (body != std::string_view::npos) {
    std::string_view message = bytes.substr(body + 2);
    while (message.starts_with('\n')) message.remove_prefix(1);
    out.subject = message.substr(0, message.find('\n'));
  }
  return out;
}

std::optional<CommitId> find_object(const Depot::Lease& lease, const std::string& prefix) {
  git_oid shortened{}, found{};
  if (git_oid_fromstrn(&shortened, prefix.data(), prefix.size()) != 0) return std::nullopt;
  const int answer = git_odb_exists_prefix(&found, lease.odb(), &shortened, prefix.size());
  git_error_clear();
  if (answer == GIT_EAMBIGUOUS) {
    throw fail(ProblemCause::input, "several objects of the repository have an id that begins with " + prefix,
               "give more of its digits");
  }
  if (answer != 0) return std::nullopt;
  return to_id(found);
}

std::optional<CommitId> peel_to_commit(Depot& depot, const Depot::Lease& lease, const CommitId& id) {
  if (id.empty() || id.is_zero()) return std::nullopt;
  CommitId at = id;
  for (int depth = 0; depth < kTagDepth; ++depth) {
    const auto header = object_header(lease, at);
    if (!header) return std::nullopt;
    if (header->type == GIT_OBJECT_COMMIT) return at;
    if (header->type != GIT_OBJECT_TAG || header->size > kTagBytes) return std::nullopt;
    const GitObject tag = read_object(depot, lease, at, GIT_OBJECT_TAG, kTagBytes, "tag " + at.str());
    std::string_view text = bytes_of(tag);
    const auto object = take_line(text, "object ");
    const auto next = object ? CommitId::parse(*object) : std::nullopt;
    if (!next) return std::nullopt;
    at = *next;
  }
  return std::nullopt;
}

}  // namespace gitopsd::source
