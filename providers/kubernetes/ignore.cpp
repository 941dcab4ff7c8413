#include "providers/kubernetes/ignore.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/problem.h"
#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/pointer.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::WireProblem;

constexpr std::size_t kKeyDigits = 12;

/// What makes an object the one that it is, and ours.
const std::array<std::string_view, 7> kNotToIgnore{"",
                                                   "/apiVersion",
                                                   "/kind",
                                                   "/metadata",
                                                   "/metadata/name",
                                                   "/metadata/namespace",
                                                   "/metadata/managedFields"};

class IgnoreReader {
 public:
  IgnoreReader(std::string where, std::vector<WireProblem>& problems)
      : where_(std::move(where)), problems_(problems) {}

  IgnoreRule read(const Value& value) {
    IgnoreRule rule;
    if (!value.is_object()) return refuse("", "a rule of `ignore` is a mapping", kExample), rule;
    static const std::vector<std::string> known{"kind", "namespace", "name", "pointers", "managers"};
    for (const auto& [key, member] : value.as_object()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const auto near = did_you_mean(key, known);
      refuse(pointer_token(key), "a rule of `ignore` has no `" + key + "`",
             near.empty() ? kExample : "did you mean `" + near + "`?");
    }
    rule.kind = text(value, "kind", "");
    if (!value.find("kind")) refuse("", "a rule of `ignore` needs a `kind`", kExample);
    rule.space = text(value, "namespace", "*");
    rule.name = text(value, "name", "*");
    rule.pointers = texts(value, "pointers");
    rule.managers = texts(value, "managers");
    for (std::size_t i = 0; i < rule.pointers.size(); ++i)
      check_pointer(rule.pointers[i], "/pointers/" + std::to_string(i));
    for (std::size_t i = 0; i < rule.managers.size(); ++i)
      if (pattern_matches(rule.managers[i], kManager))
        refuse("/managers/" + std::to_string(i), "gitopsd itself is among '" + rule.managers[i] + "'");
    return rule;
  }

  void refuse(const std::string& at, std::string message, std::string hint = {}) {
    WireProblem problem;
    problem.code = "policy";
    problem.cause = ProblemCause::input;
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    problem.pointer = where_ + at;
    problems_.push_back(std::move(problem));
  }

  static constexpr const char* kExample = "such as {kind: Deployment.apps, pointers: [/spec/replicas]}";

 private:
  std::string text(const Value& value, const std::string& key, const std::string& fallback) {
    const Value* member = value.find(key);
    if (!member) return fallback;
    if (member->is_string() && !member->as_string().empty()) return member->as_string();
    refuse("/" + key, "`" + key + "` has to be a name, or the beginning of one and a `*`");
    return fallback;
  }

  std::vector<std::string> texts(const Value& value, const std::string& key) {
    std::vector<std::string> out;
    const Value* list = value.as_object().contains(key) ? &value.as_object().at(key) : nullptr;
    if (!list) return out;
    // An empty list would make the rule one about the whole object.
    if (!list->is_array() || list->as_array().empty())
      return refuse("/" + key, "`" + key + "` has to be a list of texts", kExample), out;
    for (std::size_t i = 0; i < list->as_array().size(); ++i) {
      const Value& item = list->as_array()[i];
      if (item.is_string() && !item.as_string().empty())
        out.push_back(item.as_string());
      else
        refuse("/" + key + "/" + std::to_string(i), "`" + key + "` has to be a list of texts");
    }
    return out;
  }

  void check_pointer(const std::string& pointer, const std::string& at) {
    if (!pointer.starts_with('/') || pointer.ends_with('/') || pointer.find("//") != pointer.npos)
      return refuse(at, "'" + pointer + "' is no pointer", "write it as /spec/replicas");
    const auto tokens = pointer_tokens(pointer);
    const std::string mark = tokens.size() == 3 && tokens[0] == "metadata" ? unescaped_token(tokens[2]) : "";
    if (std::find(kNotToIgnore.begin(), kNotToIgnore.end(), pointer) != kNotToIgnore.end() ||
        mark == kTracking || mark == kInstallation)
      return refuse(at, "'" + pointer + "' says which object it is, and whose: it cannot be ignored");
    if (pointer == "/metadata/labels" || pointer == "/metadata/annotations")
      return refuse(at, "'" + pointer + "' holds the marks of gitopsd, too: it cannot be ignored as a whole",
                    "name the one, such as " + pointer + "/example.com~1owner");
    if (tokens.size() < 2) return;
    const std::string& item = tokens[tokens.size() - 2];
    if (item.find('=') != item.npos && item.substr(0, item.find('=')) == tokens.back())
      refuse(at, "'" + pointer + "' is what the item is found by: it cannot be ignored");
  }

  std::string where_;
  std::vector<WireProblem>& problems_;
};

}  // namespace

bool pattern_matches(std::string_view pattern, std::string_view text) {
  if (!pattern.ends_with('*')) return pattern == text;
  return text.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool Ignored::is_managers(std::string_view name) const {
  return std::any_of(managers.begin(), managers.end(),
                     [&](const auto& pattern) { return pattern_matches(pattern, name); });
}

std::string Ignored::key() const {
  if (!fields()) return {};
  std::string all;
  for (const auto* list : {&pointers, &managers}) {
    for (const auto& text : *list) all += text + "\n";
    all += "\n";
  }
  return to_hex(sha256(all)).substr(0, kKeyDigits);
}

bool IgnoreRule::names(const Id& id) const {
  return pattern_matches(kind, id.type.str()) && pattern_matches(space, id.space) &&
         pattern_matches(name, id.name);
}

void IgnoreRule::add_to(Ignored& ignored) const {
  if (pointers.empty() && managers.empty()) ignored.whole = true;
  ignored.pointers.insert(ignored.pointers.end(), pointers.begin(), pointers.end());
  ignored.managers.insert(ignored.managers.end(), managers.begin(), managers.end());
}

std::vector<IgnoreRule> parse_ignore_rules(const Value* value, const std::string& where,
                                           std::vector<WireProblem>& problems) {
  std::vector<IgnoreRule> rules;
  if (!value) return rules;
  if (!value->is_array()) {
    IgnoreReader(where, problems).refuse("", "`ignore` has to be a list of rules", IgnoreReader::kExample);
    return rules;
  }
  for (std::size_t i = 0; i < value->as_array().size(); ++i)
    rules.push_back(IgnoreReader(where + "/" + std::to_string(i), problems).read(value->as_array()[i]));
  return rules;
}

}  // namespace gitopsd::kubernetes
