#include "providers/kubernetes/health_rule.h"

#include <algorithm>

#include "base/json.h"
#include "providers/kubernetes/object_fields.h"
#include "providers/kubernetes/pointer.h"
#include "providers/protocol/words.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::WireProblem;

bool is_numeric_value(const Value& value) {
  return value.is_int() || value.is_uint() || value.is_double();
}

bool equal_values(const Value& a, const Value& b) {
  return a == b || (is_numeric_value(a) && is_numeric_value(b) && a.as_double() == b.as_double());
}

bool holds(const HealthRule::Test& test, const Value& object) {
  const Value* found = at_chosen(object, test.pointer);
  if (test.equals) return found && equal_values(*found, *test.equals);
  return (found != nullptr) == test.exists;
}

/// Reads one rule, putting its problems where they belong.
class RuleParser {
 public:
  RuleParser(std::string where, std::vector<WireProblem>& problems)
      : where_(std::move(where)), problems_(problems) {}

  HealthRule parse(const Value& value) {
    HealthRule rule;
    if (!expect_keys(value, where_, {"group", "kind", "when", "health", "reason"})) return rule;
    rule.group = text(value, "group");
    rule.kind = text(value, "kind");
    if (rule.kind.empty() && !value.find("kind"))
      add(where_, "a rule needs 'kind'", "name the kind it is for");
    rule.health = health(value);
    rule.reason = text(value, "reason");
    check_pointer(rule.reason, where_ + "/reason");
    if (const Value* when = value.find("when")) rule.when = tests(*when);
    return rule;
  }

 private:
  void add(const std::string& pointer, std::string message, std::string hint) {
    WireProblem problem;
    problem.code = "health-rule";
    problem.cause = ProblemCause::input;
    problem.pointer = pointer;
    problem.message = "health: " + std::move(message);
    problem.hint = std::move(hint);
    problems_.push_back(std::move(problem));
  }

  bool expect_keys(const Value& value, const std::string& where, const std::vector<std::string>& known) {
    std::string all;
    for (const auto& key : known) all += (all.empty() ? "" : ", ") + key;
    if (!value.is_object()) {
      add(where, "expected a mapping, found " + std::string(value.type_name()), "known keys are " + all);
      return false;
    }
    for (const auto& [key, member] : value.as_object()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const std::string near = did_you_mean(key, known);
      add(where + pointer_token(key), "unknown key '" + key + "'",
          near.empty() ? "known keys are " + all : "did you mean '" + near + "'?");
    }
    return true;
  }

  std::string text(const Value& value, const std::string& key) {
    const Value* member = value.find(key);
    if (!member) return {};
    if (member->is_string()) return member->as_string();
    add(where_ + "/" + key, "'" + key + "' must be a string, found " + std::string(member->type_name()),
        "quote it");
    return {};
  }

  protocol::Health health(const Value& value) {
    std::string word = text(value, "health");
    for (char& c : word)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');  // as Argo CD writes them
    const auto table = protocol::words(protocol::Health{}).table;
    if (std::find(table.begin(), table.end(), word) != table.end())
      return protocol::from_word<protocol::Health>(word);
    std::string all;
    for (const std::string_view known : table) all += (all.empty() ? "" : ", ") + std::string(known);
    const std::vector<std::string> words(table.begin(), table.end());
    const std::string near = did_you_mean(word, words);
    if (!value.find("health"))
      add(where_, "a rule needs 'health'", "one of " + all);
    else if (value.find("health")->is_string())
      add(where_ + "/health", "there is no health '" + word + "'",
          near.empty() ? "one of " + all : "did you mean '" + near + "'?");
    return protocol::Health::unknown;
  }

  void check_pointer(const std::string& pointer, const std::string& where) {
    if (pointer.empty() || pointer.starts_with('/')) return;
    add(where, "'" + pointer + "' is no pointer", "write it as /status/phase");
  }

  std::vector<HealthRule::Test> tests(const Value& when) {
    std::vector<HealthRule::Test> out;
    const std::string where = where_ + "/when";
    if (!when.is_array()) {
      add(where, "'when' must be a list, found " + std::string(when.type_name()), "write when: [...]");
      return out;
    }
    for (std::size_t i = 0; i < when.as_array().size(); ++i)
      out.push_back(test(when.as_array()[i], where + "/" + std::to_string(i)));
    return out;
  }

  HealthRule::Test test(const Value& value, const std::string& where) {
    HealthRule::Test test;
    if (!expect_keys(value, where, {"pointer", "equals", "exists"})) return test;
    const Value *pointer = value.find("pointer"), *equals = value.find("equals"),
                *exists = value.find("exists");
    if (pointer && pointer->is_string() && !pointer->as_string().empty()) {
      test.pointer = pointer->as_string();
      check_pointer(test.pointer, where + "/pointer");
    } else {
      add(where, "a test needs 'pointer'", "write it as /status/phase");
    }
    if (static_cast<bool>(equals) == static_cast<bool>(exists))
      add(where, equals ? "a test has either 'equals' or 'exists'" : "a test needs 'equals' or 'exists'",
          "for null, write exists: false");
    if (equals) test.equals = *equals;
    if (exists && exists->is_bool())
      test.exists = exists->as_bool();
    else if (exists)
      add(where + "/exists", "'exists' must be true or false", "");
    return test;
  }

  std::string where_;
  std::vector<WireProblem>& problems_;
};

}  // namespace

bool HealthRule::matches(const Value& object) const {
  if (kind != text_at(object, "/kind") || group != group_of(object)) return false;
  return std::all_of(when.begin(), when.end(), [&](const Test& test) { return holds(test, object); });
}

std::string HealthRule::reason_for(const Value& object) const {
  const Value* found = reason.empty() ? nullptr : at_chosen(object, reason);
  if (!found) return "by the rule for " + kind + (group.empty() ? "" : "." + group);
  return found->is_string() ? found->as_string() : to_json(*found);
}

std::vector<HealthRule> parse_health_rules(const Value* value, std::string_view where,
                                           std::vector<WireProblem>& problems) {
  std::vector<HealthRule> rules;
  if (!value || value->is_null()) return rules;
  if (!value->is_array()) {
    WireProblem problem;
    problem.code = "health-rule";
    problem.cause = ProblemCause::input;
    problem.pointer = std::string(where);
    problem.message = "health: expected a list of rules, found " + std::string(value->type_name());
    problem.hint = "write health: [{kind: ..., when: [...], health: ...}]";
    problems.push_back(std::move(problem));
    return rules;
  }
  const auto& items = value->as_array();
  for (std::size_t i = 0; i < items.size(); ++i)
    rules.push_back(RuleParser(std::string(where) + "/" + std::to_string(i), problems).parse(items[i]));
  return rules;
}

}  // namespace gitopsd::kubernetes
