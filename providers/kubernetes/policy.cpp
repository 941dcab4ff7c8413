#include "providers/kubernetes/policy.h"

#include <algorithm>

#include "base/problem.h"
#include "providers/kubernetes/header_text.h"
#include "providers/kubernetes/order.h"
#include "providers/kubernetes/propagation.h"
#include "providers/kubernetes/well_known.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::WireProblem;

const std::vector<std::string> kMembers{"namespaces",  "kinds",         "clusterKinds",
                                        "conflicts",   "foreignItems",  "ignore",
                                        "propagation", "deleteForeign", "as"};

bool any_matches(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return pattern_matches(pattern, text); });
}

class PolicyReader {
 public:
  explicit PolicyReader(std::vector<WireProblem>& problems) : problems_(problems) {}

  void refuse(std::string pointer, std::string message, std::string hint = {}) {
    WireProblem problem;
    problem.code = "policy";
    problem.cause = ProblemCause::input;
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    problem.pointer = std::move(pointer);
    problems_.push_back(std::move(problem));
  }

  std::vector<std::string> texts(const Value& in, const std::string& name, const std::string& pointer) {
    std::vector<std::string> out;
    const Value* list = in.find(name);
    if (list == nullptr) return out;
    if (!list->is_array()) return refuse(pointer, "`" + name + "` has to be a list of names"), out;
    for (std::size_t i = 0; i < list->as_array().size(); ++i) {
      const Value& item = list->as_array()[i];
      if (item.is_string() && !item.as_string().empty())
        out.push_back(item.as_string());
      else
        refuse(pointer + "/" + std::to_string(i), "`" + name + "` has to be a list of names");
    }
    return out;
  }

  /// Kinds as `Deployment.apps`; the one of definitions may be written without its group.
  std::vector<std::string> kinds(const Value& in, const std::string& name, bool namespaced) {
    auto out = texts(in, name, "/" + name);
    const Value* list = in.find(name);
    for (std::size_t i = 0; list && list->is_array() && i < list->as_array().size(); ++i) {
      const Value& item = list->as_array()[i];
      if (!item.is_string() || item.as_string().empty()) continue;
      if (const auto mistake = mistaken_kind(item.as_string(), namespaced))
        refuse("/" + name + "/" + std::to_string(i), "`" + name + "`: " + mistake->message, mistake->hint);
    }
    std::replace(out.begin(), out.end(), definition_kind().kind, definition_kind().str());
    return out;
  }

  /// One of two words; empty where missing or wrong.
  std::string word(const Value& in, const std::string& name,
                   const std::pair<std::string, std::string>& words) {
    const Value* value = in.find(name);
    if (value == nullptr) return {};
    if (value->is_string() && (value->as_string() == words.first || value->as_string() == words.second))
      return value->as_string();
    refuse("/" + name, "`" + name + "` is `" + words.first + "` or `" + words.second + "`");
    return {};
  }

  /// Names travel in headers.
  void check_header(const std::string& text, std::string pointer) {
    if (!is_header_text(text)) refuse(std::move(pointer), "the name holds a control character");
  }

  void unknown(const Value& in, const std::vector<std::string>& known, const std::string& at) {
    for (const auto& [key, value] : in.as_object()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const auto near = did_you_mean(key, known);
      refuse(at + pointer_token(key), "a policy of Kubernetes has no `" + key + "`",
             near.empty() ? "" : "did you mean `" + near + "`?");
    }
  }

 private:
  std::vector<WireProblem>& problems_;
};

std::string joined_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

}  // namespace

Policy Policy::parse(const Value& value, std::vector<WireProblem>& problems) {
  Policy policy;
  if (value.is_null()) return policy;
  PolicyReader reader(problems);
  if (!value.is_object()) return reader.refuse("", "the policy has to be a mapping"), policy;
  reader.unknown(value, kMembers, "");
  policy.namespaces = reader.texts(value, "namespaces", "/namespaces");
  policy.kinds = reader.kinds(value, "kinds", true);
  policy.any_kind = value.find("kinds") == nullptr;
  policy.cluster_kinds = reader.kinds(value, "clusterKinds", false);
  policy.force = reader.word(value, "conflicts", {"force", "report"}) != "report";
  policy.remove_foreign_items = reader.word(value, "foreignItems", {"keep", "remove"}) == "remove";
  if (const Value* word = value.find("propagation")) {
    if (word->is_string() && !propagation_policy(word->as_string()).empty())
      policy.propagation = word->as_string();
    else
      reader.refuse("/propagation", "`propagation` is `background`, `foreground` or `orphan`");
  }
  policy.delete_foreign = reader.texts(value, "deleteForeign", "/deleteForeign");
  for (std::size_t i = 0; i < policy.delete_foreign.size(); ++i) {
    const auto type = GroupKind::parse(policy.delete_foreign[i]);
    if (!holds_objects(type) && policy.delete_foreign[i] != definition_kind().kind)
      reader.refuse(
          "/deleteForeign/" + std::to_string(i),
          "`deleteForeign` names what holds objects of others: `Namespace`, `CustomResourceDefinition`");
  }
  policy.ignore = parse_ignore_rules(value.find("ignore"), "/ignore", problems);
  if (const Value* as = value.find("as")) {
    if (!as->is_object() || !as->find("user") || !as->find("user")->is_string()) {
      reader.refuse("/as", "`as` needs a `user`",
                    "such as {user: \"system:serviceaccount:web:deployer\", groups: [...]}");
    } else {
      reader.unknown(*as, {"user", "groups"}, "/as");
      policy.user = as->get_string("user");
      policy.groups = reader.texts(*as, "groups", "/as/groups");
      reader.check_header(policy.user, "/as/user");
      for (std::size_t i = 0; i < policy.groups.size(); ++i)
        reader.check_header(policy.groups[i], "/as/groups/" + std::to_string(i));
    }
  }
  return policy;
}

std::string Policy::default_namespace() const {
  const auto it = std::find_if(namespaces.begin(), namespaces.end(),
                               [](const auto& name) { return name.find('*') == name.npos; });
  return it == namespaces.end() ? std::string() : *it;
}

std::optional<Policy::Breach> Policy::breach(const Id& id, bool namespaced) const {
  if (!namespaced) {
    if (any_matches(cluster_kinds, id.type.str())) {
      // Whose the namespace is, his is all that is in it.
      if (id.type != GroupKind{"", "Namespace"} || any_matches(namespaces, id.name)) return std::nullopt;
      return Breach{
          "namespace '" + id.name + "' is none of those that the policy allows: " + joined_names(namespaces),
          "/metadata/name", "add it to `namespaces` of the application's policy"};
    }
    return Breach{id.type.str() + " '" + id.name +
                      "' lives outside of namespaces, and the policy's `clusterKinds` " +
                      "allows: " + joined_names(cluster_kinds),
                  "/kind", "add " + id.type.str() + " to `clusterKinds` of the application's policy"};
  }
  if (!any_matches(namespaces, id.space))
    return Breach{
        "namespace '" + id.space + "' is none of those that the policy allows: " + joined_names(namespaces),
        "/metadata/namespace", "add it to `namespaces` of the application's policy"};
  if (!any_kind && !any_matches(kinds, id.type.str()))
    return Breach{id.type.str() + " is none of the kinds that the policy allows: " + joined_names(kinds),
                  "/kind", "add it to `kinds` of the application's policy"};
  return std::nullopt;
}

bool Policy::deletes_foreign(const GroupKind& type) const {
  return std::any_of(delete_foreign.begin(), delete_foreign.end(),
                     [&](const auto& name) { return name == type.str() || name == type.kind; });
}

Ignored Policy::ignored(const Id& id) const {
  Ignored out;
  for (const auto& rule : ignore)
    if (rule.names(id)) rule.add_to(out);
  return out;
}

std::vector<std::pair<std::string, std::string>> Policy::headers() const {
  std::vector<std::pair<std::string, std::string>> out;
  if (user.empty()) return out;
  out.emplace_back("Impersonate-User", user);
  for (const auto& group : groups) out.emplace_back("Impersonate-Group", group);
  return out;
}

}  // namespace gitopsd::kubernetes
