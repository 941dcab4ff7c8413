// Where in the repository what AWS speaks of was written: the file and line of a template, for people.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "providers/aws/stack.h"
#include "providers/aws/template_tree.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

/// Of one stack's template and those nested in it, as they were sent with a plan.
class TemplatePlaces {
 public:
  /// What cannot be read, and what it nests, has no lines.
  TemplatePlaces(const Stack&, protocol::BlobReader&);

  /// "templates/app.yaml:12": as far as `pointer` (`/Resources/Queue/Properties/QueueName`) leads in the
  /// template of a nested stack, or of the stack itself where `nested` is empty.
  std::string at(const std::string& nested, std::string_view pointer) const;
  /// What a message about the template means: the line that it tells, or that of what it names, or the file
  /// alone. "Template error: ... (line 4, column 4)", "Parameters: [Size] must have values".
  std::string meant(const std::string& message) const;
  /// Of all resources, by logical id, `Store/Table` of a nested stack's.
  Texts resources() const;

 private:
  struct File {
    std::string path;
    std::optional<TemplateNode> root;
  };
  std::map<std::string, File> files_;  ///< by the nested stack that it is of: `Store`; empty: the root's
};

/// Places of the resources of stacks with an operation under way, so that what fails can be told with its
/// line though templates are sent with plans alone. Thread-safe.
class ResourcePlaces {
 public:
  void remember(const std::string& stack_id, Texts places);
  void forget(const std::string& stack_id);
  /// Empty: not known.
  std::string find(const std::string& stack_id, const std::string& logical_id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Texts> stacks_;
};

}  // namespace gitopsd::aws
