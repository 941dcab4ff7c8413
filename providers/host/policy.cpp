#include "providers/host/policy.h"

#include <algorithm>

#include "providers/host/facts.h"
#include "providers/host/path.h"

namespace gitopsd::host {
namespace {

using protocol::WireProblem;

WireProblem policy_problem(std::string message, std::string hint, const std::string& key = {}) {
  WireProblem problem;
  if (!key.empty() && key.find_first_of("/~") == std::string::npos) problem.pointer = "/" + key;
  problem.code = "policy";
  problem.cause = ProblemCause::input;
  problem.message = "policy: " + std::move(message);
  problem.hint = std::move(hint);
  return problem;
}

WireProblem breach(const Wanted& wanted, const char* pointer, std::string message, std::string hint) {
  WireProblem problem;
  problem.code = "not-allowed";
  problem.cause = ProblemCause::permission;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.document = wanted.document;
  problem.pointer = pointer;
  problem.id = id_of(wanted.path).str();
  return problem;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string list_of(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

std::vector<std::string> strings(const Value& value, const std::string& key,
                                 std::vector<WireProblem>& problems) {
  std::vector<std::string> out;
  if (!value.is_array()) {
    problems.push_back(policy_problem("'" + key + "' must be a list", "write " + key + ": [...]", key));
    return out;
  }
  for (const Value& item : value.as_array()) {
    if (item.is_string())
      out.push_back(item.as_string());
    else
      problems.push_back(policy_problem("'" + key + "' holds something that is no string", "quote it", key));
  }
  return out;
}

std::vector<std::string> prefixes(const Value& value, std::vector<WireProblem>& problems) {
  std::vector<std::string> out;
  for (std::string path : strings(value, "paths", problems)) {
    if (path.size() > 1 && path.ends_with('/')) path.pop_back();
    std::string fault = path == "/" ? std::string() : path_fault(path);
    if (fault.empty())
      out.push_back(std::move(path));
    else
      problems.push_back(policy_problem("path '" + path + "' " + fault, "name absolute paths", "paths"));
  }
  return out;
}

}  // namespace

Policy Policy::parse(const Value& value, std::vector<WireProblem>& problems) {
  Policy policy;
  if (value.is_null()) return policy;
  if (!value.is_object()) {
    problems.push_back(policy_problem("must be a mapping", "see `paths`, `users` and `groups`"));
    return policy;
  }
  for (const auto& [key, member] : value.as_object()) {
    if (key == "paths") {
      policy.paths = prefixes(member, problems);
    } else if (key == "users") {
      policy.users = strings(member, key, problems);
    } else if (key == "groups") {
      policy.groups = strings(member, key, problems);
    } else if (key == "setuid" && member.is_bool()) {
      policy.setuid = member.as_bool();
    } else {
      auto near = did_you_mean(key, {"paths", "users", "groups", "setuid"});
      problems.push_back(policy_problem(
          key == "setuid" ? "'setuid' must be true or false" : "unknown key '" + key + "'",
          near.empty() ? "known are paths, users, groups and setuid" : "did you mean '" + near + "'?", key));
    }
  }
  return policy;
}

std::vector<WireProblem> doubts(const Policy& policy) {
  std::vector<WireProblem> found;
  const auto look = [&](const std::vector<std::string>& names, const std::string& key,
                        const std::string& noun, const auto& id_of_name) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (id_of_name(names[i])) continue;
      found.push_back(policy_problem("there is no " + noun + " '" + names[i] + "' on this host",
                                     "files cannot be given to it before it is made"));
      found.back().pointer = "/" + key + "/" + std::to_string(i);
    }
  };
  look(policy.users, "users", "user", user_id);
  look(policy.groups, "groups", "group", group_id);
  if (policy.paths.empty())
    found.push_back(
        policy_problem("it names no path, so that nothing is allowed", "list folders under `paths`"));
  return found;
}

const std::string* Policy::allowed_by(std::string_view path) const {
  const std::string* best = nullptr;
  for (const auto& prefix : paths)
    if ((path == prefix || is_beneath(path, prefix)) && (!best || prefix.size() > best->size()))
      best = &prefix;
  return best;
}

protocol::WireProblem path_breach(const Policy& policy, std::string_view path) {
  WireProblem problem;
  problem.code = "not-allowed";
  problem.cause = ProblemCause::permission;
  problem.message = "'" + std::string(path) +
                    "' is outside of what this application may touch (allowed: " + list_of(policy.paths) +
                    ")";
  problem.hint = "choose another path, or add one to `policy.paths` of the application";
  problem.id = id_of(path).str();
  return problem;
}

std::vector<WireProblem> breaches(const Policy& policy, const Wanted& wanted) {
  std::vector<WireProblem> problems;
  if (!policy.allowed_by(wanted.path)) {
    WireProblem problem = path_breach(policy, wanted.path);
    problem.document = wanted.document;
    problem.pointer = "/spec/path";
    problems.push_back(std::move(problem));
  }
  if (!wanted.owner.empty() && !contains(policy.users, wanted.owner))
    problems.push_back(breach(wanted, "/spec/owner",
                              "this application may not give files to user '" + wanted.owner +
                                  "' (allowed: " + list_of(policy.users) + ")",
                              "leave `owner` out, or add the user to `policy.users`"));
  if (!wanted.group.empty() && !contains(policy.groups, wanted.group))
    problems.push_back(breach(wanted, "/spec/group",
                              "this application may not give files to group '" + wanted.group +
                                  "' (allowed: " + list_of(policy.groups) + ")",
                              "leave `group` out, or add the group to `policy.groups`"));
  if (wanted.type == Type::file && (wanted.mode & 06000) != 0 && !policy.setuid)
    problems.push_back(breach(wanted, "/spec/mode", "this application may not make setuid or setgid files",
                              "drop the first digit of the mode, or set `policy.setuid: true`"));
  return problems;
}

}  // namespace gitopsd::host
