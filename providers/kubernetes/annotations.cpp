#include "providers/kubernetes/annotations.h"

#include <algorithm>
#include <map>

#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::string_view kOurs = "gitopsd.io/";
constexpr const char* kSyncOptions = "argocd.argoproj.io/sync-options";

/// Without a list of words: what has more of them, or is written by us and copied from a live object.
const std::map<std::string, std::vector<std::string>, std::less<>>& our_words() {
  static const std::map<std::string, std::vector<std::string>, std::less<>> words{
      {"gitopsd.io/apply", {"merge", "create-only", "replace"}},
      {"gitopsd.io/drift", {"heal", "report", "ignore"}},
      {"gitopsd.io/prune", {"auto", "confirm", "never"}},
      {"gitopsd.io/hook", {}},
      {"gitopsd.io/hook-delete-policy", {}},
      {"gitopsd.io/hook-run", {}},
      {"gitopsd.io/installation", {}},
      {"gitopsd.io/propagation", {}},
      {"gitopsd.io/sync-wave", {}},
      {"gitopsd.io/tracking-id", {}}};
  return words;
}

const std::map<std::string, std::vector<std::string>, std::less<>>& argo_words() {
  static const std::vector<std::string> flag{"true", "false"}, guard{"true", "false", "confirm"};
  static const std::map<std::string, std::vector<std::string>, std::less<>> words{
      {"ApplyOutOfSyncOnly", flag},
      {"ClientSideApplyMigration", flag},
      {"CreateNamespace", flag},
      {"Delete", guard},
      {"FailOnSharedResource", flag},
      {"Force", flag},
      {"Prune", guard},
      {"PruneLast", flag},
      {"PrunePropagationPolicy", {"foreground", "background", "orphan"}},
      {"Replace", flag},
      {"RespectIgnoreDifferences", flag},
      {"ServerSideApply", flag},
      {"SkipDryRunOnMissingResource", flag},
      {"Validate", flag}};
  return words;
}

std::string one_of(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i)
    out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return out;
}

template <class Map>
std::string near_key(const std::string& key, const Map& known) {
  std::vector<std::string> keys;
  keys.reserve(known.size());
  for (const auto& [name, words] : known) keys.push_back(name);
  const std::string near = did_you_mean(key, keys);
  return near.empty() ? "" : "did you mean `" + near + "`?";
}

bool has_word(const std::vector<std::string>& words, std::string_view word) {
  return words.empty() || std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view without_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

void read_sync_option(std::string_view option, std::vector<AnnotationFault>& faults) {
  option = without_spaces(option);
  if (option.empty()) return;
  const auto equals = std::min(option.find('='), option.size());
  const std::string name(option.substr(0, equals));
  const auto known = argo_words().find(name);
  if (known == argo_words().end())
    return faults.push_back(
        {kSyncOptions, "Argo CD has no sync option `" + name + "`", near_key(name, argo_words())});
  if (equals == option.size() || !has_word(known->second, option.substr(equals + 1)))
    faults.push_back({kSyncOptions, "the sync option `" + name + "` is " + one_of(known->second), {}});
}

}  // namespace

std::vector<AnnotationFault> annotation_faults(const Value& annotations) {
  std::vector<AnnotationFault> faults;
  if (!annotations.is_object()) return faults;
  for (const auto& [key, value] : annotations.as_object()) {
    if (!value.is_string()) continue;
    const std::string& text = value.as_string();
    if (key.starts_with(kOurs)) {
      const auto known = our_words().find(key);
      if (known == our_words().end())
        faults.push_back({key, "there is no annotation `" + key + "`", near_key(key, our_words())});
      else if (!has_word(known->second, text))
        faults.push_back({key, "`" + key + "` is " + one_of(known->second), {}});
    }
    if (key != kSyncOptions) continue;
    for (std::size_t at = 0; at <= text.size();) {
      const auto comma = std::min(text.find(',', at), text.size());
      read_sync_option(std::string_view(text).substr(at, comma - at), faults);
      at = comma + 1;
    }
  }
  return faults;
}

}  // namespace gitopsd::kubernetes
