// From yaml-cpp's events to a Value: keys unique, `<<` merged, aliases resolved, all within limits.
#pragma once

#include <yaml-cpp/eventhandler.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "base/yaml_text.h"

namespace gitopsd {

/// What the documents of one file have used of its limits, and what they hold.
struct YamlUse {
  std::size_t nodes = 0;
  std::size_t anchor_nodes = 0;  ///< kept for aliases that may come
  std::size_t alias_nodes = 0;
  YamlNotes notes;
};

/// Builds one document. Every event throws Failure where the document is refused.
class YamlBuilder : public YAML::EventHandler {
 public:
  YamlBuilder(YamlPart part, std::string_view file, const YamlLimits& limits, YamlUse& use)
      : part_(part), file_(file), limits_(limits), use_(use) {}

  /// The document, after the last event.
  Value take();

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Value value;
    YAML::anchor_t anchor = 0;
    std::size_t nodes_before = 0;
    int height = 1;                ///< levels below and with this one
    Value* slot = nullptr;         ///< of a mapping: the member that waits for its value
    bool merging = false;          ///< of a mapping: the key was `<<`
    bool flow_sequence = false;    ///< written `[...]`
    bool flow = false;             ///< written `[...]` or `{...}`
    std::set<std::string> merged;  ///< keys of a mapping that `<<` brought, and that may still be written out
  };
  struct Anchored {
    Value value;
    std::size_t nodes = 0;
    int height = 0;
  };

  Position at(const YAML::Mark& mark) const;
  [[noreturn]] void refuse(Position at, std::string message, std::string hint = {}) const;
  [[noreturn]] void refuse_collection_key(Position at) const;
  bool wants_key() const;
  void count(std::size_t nodes, Position at);
  void remember(YAML::anchor_t anchor, const Value& value, std::size_t nodes, int height);
  void scalar(Value value, YAML::anchor_t anchor, bool merge_key);
  void open(Value value, YAML::anchor_t anchor, YAML::EmitterStyle::value style);
  void note(std::string_view tag, std::string_view text, const Value& value, bool key);
  void close();
  void add(Value value, bool merge_key, int height);
  void take_key(Frame& frame, const Value& key, bool merge_key);
  void merge(Frame& frame, const Value& value, Position where);

  const YamlPart part_;
  const std::string_view file_;
  const YamlLimits& limits_;
  YamlUse& use_;
  std::vector<Frame> stack_;
  std::vector<std::optional<Anchored>> anchors_;  ///< by yaml-cpp's number; empty while its node is open
  std::size_t last_scalar_ = 0;                   ///< where it starts in the text
  Value result_;
};

}  // namespace gitopsd
