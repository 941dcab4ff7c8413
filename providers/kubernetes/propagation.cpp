#include "providers/kubernetes/propagation.h"

#include <array>
#include <utility>

#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::string_view kOfArgo = "PrunePropagationPolicy=";

/// The word in a comma-separated list of Argo CD's sync options.
std::string_view word_of_argo(std::string_view options) {
  const auto at = options.find(kOfArgo);
  if (at == options.npos) return {};
  const auto word = options.substr(at + kOfArgo.size());
  return word.substr(0, word.find_first_of(", "));
}

}  // namespace

std::string propagation_policy(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 3> words{
      {{"background", "Background"}, {"foreground", "Foreground"}, {"orphan", "Orphan"}}};
  for (const auto& [ours, theirs] : words)
    if (word == ours) return theirs;
  return {};
}

std::string propagation_of(const Value& object, const Policy& policy) {
  const auto annotation = [&](const std::string& key) {
    return text_at(object, "/metadata/annotations" + pointer_token(key));
  };
  const std::string argo = annotation("argocd.argoproj.io/sync-options");
  for (const std::string& found :
       {propagation_policy(annotation(kPropagation)), propagation_policy(word_of_argo(argo)),
        propagation_policy(policy.propagation)})
    if (!found.empty()) return found;
  return "Background";
}

}  // namespace gitopsd::kubernetes
