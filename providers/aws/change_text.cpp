#include "providers/aws/change_text.h"

#include <algorithm>
#include <map>

namespace gitopsd::aws {
namespace {

constexpr const char* kData = " [holds data]\n";

std::string sign_of(const ResourceChange& change) {
  if (change.action == "Add") return "+";
  if (change.action == "Remove") return "-";
  return change.replaces() ? "-/+" : "~";
}

void add_property(std::string& text, const PropertyChange& property) {
  text += "    " + property.name;
  if (!property.before.empty() || !property.after.empty())
    text += ": " + (property.before.empty() ? "(none)" : property.before) + " -> " +
            (property.after.empty() ? "(none)" : property.after);
  if (property.recreation == "Always") text += " (forces a replacement)";
  if (property.recreation == "Conditionally") text += " (may force a replacement)";
  if (!property.cause.empty()) text += " (from " + property.cause + ")";
  text += "\n";
}

std::string word_of(const ResourceChange& change) {
  if (change.action == "Add") return "to add";
  if (change.action == "Remove") return change.deletes() ? "to delete" : "to let go of";
  if (change.action == "Import") return "to adopt";
  return change.replaces() ? "to replace" : "to change";
}

}  // namespace

std::string change_text(const ChangeSet& set, const DataGuard& guard) {
  std::string text;
  for (const auto& change : set.changes) {
    text += sign_of(change) + " " + change.logical_id + " (" + change.type + ")";
    if (!change.physical_id.empty()) text += " " + change.physical_id;
    if (change.replacement == "Conditional") text += " may be replaced";
    if (change.hides()) text += ": what changes in it is not known";
    if (change.policy_action.ends_with("Snapshot")) text += " after a snapshot";
    text += guard.loses_data(change) ? kData : "\n";
    for (const auto& property : change.properties) add_property(text, property);
  }
  return text;
}

std::string change_summary(const ChangeSet& set) {
  std::map<std::string, int> counts;
  for (const auto& change : set.changes) ++counts[word_of(change)];
  std::string text;
  for (const char* word : {"to add", "to adopt", "to change", "to replace", "to let go of", "to delete"})
    if (const auto found = counts.find(word); found != counts.end())
      text += (text.empty() ? "" : ", ") + std::to_string(found->second) + " " + word;
  return text.empty() ? "its outputs, tags or description change" : text;
}

std::string deletion_text(const std::vector<StackResource>& resources,
                          const std::vector<std::string>& retained, const DataGuard& guard) {
  std::string text;
  for (const auto& one : resources) {
    const bool stays = std::find(retained.begin(), retained.end(), one.logical_id) != retained.end();
    text += std::string(stays ? "=" : "-") + " " + one.logical_id + " (" + one.type + ")";
    if (!one.physical_id.empty()) text += " " + one.physical_id;
    text += stays ? " stays: DeletionPolicy is Retain\n" : guard.holds_data(one.type) ? kData : "\n";
  }
  return text;
}

}  // namespace gitopsd::aws
