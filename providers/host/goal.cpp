#include "providers/host/goal.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/hash.h"
#include "providers/host/path.h"

namespace gitopsd::host {
namespace {

void no_such(const Wanted& wanted, const char* field, const std::string& name,
             std::vector<protocol::WireProblem>& problems) {
  protocol::WireProblem problem;
  problem.code = "unknown-name";
  problem.cause = ProblemCause::destination;
  problem.message = "this host has no " + std::string(field == std::string_view("owner") ? "user" : "group") +
                    " '" + name + "'";
  problem.hint = "create it first, or correct the name";
  problem.document = wanted.document;
  problem.pointer = std::string("/spec/") + field;
  problem.id = id_of(wanted.path).str();
  problems.push_back(std::move(problem));
}

}  // namespace

Goal goal_of(const Wanted& wanted, std::vector<protocol::WireProblem>& problems) {
  Goal goal;
  goal.facts.type = wanted.type;
  if (wanted.type == Type::symlink) return goal;
  goal.facts.mode = wanted.mode;
  auto uid = wanted.owner.empty() ? std::optional(::geteuid()) : user_id(wanted.owner);
  auto gid = wanted.group.empty() ? std::optional(::getegid()) : group_id(wanted.group);
  if (!uid) no_such(wanted, "owner", wanted.owner, problems);
  if (!gid) no_such(wanted, "group", wanted.group, problems);
  goal.facts.uid = uid.value_or(0);
  goal.facts.gid = gid.value_or(0);
  if (wanted.type == Type::file)
    goal.sha256 = wanted.blob ? wanted.blob->digest : to_hex(sha256(wanted.content));
  return goal;
}

std::vector<std::string> differences(const Seen& seen, const Goal& goal, const Wanted& wanted) {
  auto items = differences(seen.facts, goal.facts);
  if (seen.facts.type != wanted.type) return items;
  if (wanted.type == Type::file && seen.sha256 != goal.sha256) items.insert(items.begin(), "content differs");
  if (wanted.type == Type::symlink && seen.target != wanted.target)
    items.push_back("it points to '" + seen.target + "', wanted '" + wanted.target + "'");
  return items;
}

Documents::Documents(const std::vector<protocol::Document>& documents) {
  for (const auto& document : documents) by_digest_.emplace(document.digest, &document);
}

const protocol::Document& Documents::at(const std::string& digest, const std::string& id) const {
  auto found = by_digest_.find(digest);
  if (found == by_digest_.end())
    throw fail(ProblemCause::input, "the document of '" + id + "' was not sent", "send it in `documents`");
  return *found->second;
}

Facts facts_with_contents(const Seen& seen, const Secret& key, const std::vector<std::string>& names) {
  Facts facts = seen.facts;
  std::string all;
  for (const auto& name : names) all += name + '\0';
  facts.content = content_mac(key, all);
  return facts;
}

std::vector<std::string> names_in(const Place& place) {
  const int fd =
      ::openat(place.folder.get(), place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* listing = fd < 0 ? nullptr : ::fdopendir(fd);
  if (!listing)
    throw fail(ProblemCause::destination, "cannot list '" + place.path + "': " + errno_text(errno));
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(listing)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  const int error = errno;
  ::closedir(listing);
  if (error != 0)
    throw fail(ProblemCause::destination, "cannot list '" + place.path + "': " + errno_text(error));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace gitopsd::host
