#include "providers/kubernetes/hook.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/hash.h"
#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::Hook;

constexpr std::size_t kRunDigits = 20;
constexpr const char* kEnded = "+ended";

struct Dialect {
  const char* annotation;
  std::map<std::string, Hook> times;  ///< none: a time that never comes here
  std::string ordinary;               ///< the word of a resource that is applied like every other
};

const std::vector<Dialect>& dialects() {
  static const std::vector<Dialect> all{
      {"gitopsd.io/hook",
       {{"pre-sync", Hook::pre},
        {"sync", Hook::sync},
        {"post-sync", Hook::post},
        {"sync-fail", Hook::fail},
        {"skip", Hook::none}},
       {}},
      {"argocd.argoproj.io/hook",
       {{"PreSync", Hook::pre},
        {"Sync", Hook::sync},
        {"PostSync", Hook::post},
        {"SyncFail", Hook::fail},
        {"Skip", Hook::none},
        {"PreDelete", Hook::none},
        {"PostDelete", Hook::none}},
       {}},
      {"helm.sh/hook",
       {{"pre-install", Hook::pre},
        {"pre-upgrade", Hook::pre},
        {"post-install", Hook::post},
        {"post-upgrade", Hook::post},
        {"pre-delete", Hook::none},
        {"post-delete", Hook::none},
        {"pre-rollback", Hook::none},
        {"post-rollback", Hook::none},
        {"test", Hook::none},
        {"test-success", Hook::none},
        {"test-failure", Hook::none}},
       "crd-install"},
  };
  return all;
}

std::vector<std::string> words_in(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    std::string word = list.substr(at, comma - at);
    word.erase(0, word.find_first_not_of(" \t\n"));
    word.erase(word.find_last_not_of(" \t\n") + 1);
    if (!word.empty()) words.push_back(std::move(word));
    at = comma + 1;
  }
  return words;
}

template <class Words>
std::string hint_for(const std::string& word, const Words& words) {
  std::vector<std::string> known;
  std::string all;
  for (const auto& each : words) {
    known.push_back(each.first);
    all += (all.empty() ? "" : ", ") + each.first;
  }
  const auto near = did_you_mean(word, known);
  return near.empty() ? "it is one of " + all : "did you mean " + near + "?";
}

void read_times(const Dialect& dialect, const std::string& list, HookSpec& hook, const RefuseHook& refuse) {
  bool ordinary = false;
  for (const auto& word : words_in(list)) {
    const auto time = dialect.times.find(word);
    if (word == dialect.ordinary)
      ordinary = true;
    else if (time == dialect.times.end())
      refuse(dialect.annotation, "'" + word + "' is no time of a hook", hint_for(word, dialect.times));
    else if (time->second != Hook::none &&
             std::find(hook.times.begin(), hook.times.end(), time->second) == hook.times.end())
      hook.times.push_back(time->second);
  }
  hook.left_out = hook.times.empty() && !ordinary;
}

/// What is there when the hook is to run again goes in any case: it could not run otherwise.
void read_policy(const char* annotation, const std::string& list, HookSpec& hook, const RefuseHook& refuse) {
  static const std::map<std::string, int> words{
      {"before-creation", 0},      {"succeeded", 1},      {"failed", 2},
      {"BeforeHookCreation", 0},   {"HookSucceeded", 1},  {"HookFailed", 2},
      {"before-hook-creation", 0}, {"hook-succeeded", 1}, {"hook-failed", 2}};
  for (const auto& word : words_in(list)) {
    const auto policy = words.find(word);
    if (policy == words.end()) {
      refuse(annotation, "'" + word + "' is no deletion policy of a hook", hint_for(word, words));
      continue;
    }
    hook.delete_succeeded = hook.delete_succeeded || policy->second == 1;
    hook.delete_failed = hook.delete_failed || policy->second == 2;
  }
}

}  // namespace

std::string HookSpec::memory() const {
  if (!any()) return {};
  return std::string("hook") + (delete_succeeded ? "+succeeded" : "") + (delete_failed ? "+failed" : "");
}

std::string HookSpec::ended(const std::string& memory) {
  return has_ended(memory) ? memory : memory + kEnded;
}

bool HookSpec::has_ended(const std::string& memory) {
  return memory.ends_with(kEnded);
}

bool HookSpec::goes_after(const std::string& memory, protocol::Health health) {
  const char* policy = health == protocol::Health::healthy    ? "+succeeded"
                       : health == protocol::Health::degraded ? "+failed"
                                                              : nullptr;
  return policy && memory.find(policy) != memory.npos;
}

bool names_hook(const Value& object) {
  const Value* annotations = object.at_pointer("/metadata/annotations");
  return annotations && annotations->is_object() &&
         std::any_of(dialects().begin(), dialects().end(),
                     [&](const Dialect& each) { return annotations->find(each.annotation); });
}

HookSpec read_hook(const Value& annotations, const RefuseHook& refuse_one) {
  HookSpec hook;
  bool misspelt = false;  // then the rest is looked at, too, so that all is told at once
  const RefuseHook refuse = [&](const auto&... told) {
    misspelt = true;
    refuse_one(told...);
  };
  if (!annotations.is_object()) return hook;
  for (const auto& dialect : dialects()) {
    const std::string list = annotations.get_string(dialect.annotation);
    if (list.empty()) continue;
    read_times(dialect, list, hook, refuse);
    break;
  }
  if (!hook.any() && !misspelt) return hook;
  for (const char* key : {"gitopsd.io/hook-delete-policy", "argocd.argoproj.io/hook-delete-policy",
                          "helm.sh/hook-delete-policy"}) {
    const std::string list = annotations.get_string(key);
    if (list.empty()) continue;
    read_policy(key, list, hook, refuse);
    break;
  }
  const std::string weight = annotations.get_string("helm.sh/hook-weight");
  const auto [end, error] = std::from_chars(weight.data(), weight.data() + weight.size(), hook.weight);
  if (!weight.empty() && (error != std::errc{} || end != weight.data() + weight.size()))
    refuse("helm.sh/hook-weight", "'" + weight + "' is no number", "quote a whole number: \"-5\"");
  return hook;
}

std::string when(Hook hook) {
  switch (hook) {
    case Hook::pre:
      return "before the sync";
    case Hook::post:
      return "after the sync";
    case Hook::fail:
      return "if the sync fails";
    case Hook::sync:
    case Hook::none:
      break;
  }
  return "in the sync";
}

std::string run_of(const std::string& sync, const protocol::Step& step) {
  return to_hex(sha256(sync + "\n" + step.key + "\n" + step.digest)).substr(0, kRunDigits);
}

}  // namespace gitopsd::kubernetes
