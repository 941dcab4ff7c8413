// What a Namespace or a CustomResourceDefinition holds that nobody asked to delete, and that would go with
// it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "providers/kubernetes/cluster.h"
#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

struct Contents {
  std::vector<std::string> ids;  ///< sorted; the first of them, where there are very many
  std::size_t count = 0;
  std::string unknown;  ///< why nobody can say what else there is, or empty
  std::string hint;     ///< the right that is missing

  bool none() const { return count == 0 && unknown.empty(); }
  /// Whether it holds what was not there before. Of very many that cannot be said.
  bool has_more_than(const std::vector<std::string>& before) const;
  /// "it holds 3 objects that nobody asked to delete: ConfigMap/web/a, ... and 1 more"
  std::string text() const;
  /// What lets go of one that is not deleted because of them.
  std::string way_out(const GroupKind& of) const;
};

/// By lists of nothing but metadata, in pages, up to a number and a time. `live`: the object itself; `going`:
/// uids of what is deleted, too.
Contents contents_of(Cluster&, const Policy&, const Id&, const Value& live,
                     const std::set<std::string>& going);

/// Kinds of which no object is a loss: others keep making them, and nothing is in them that stays.
bool is_fleeting(const GroupKind&);

/// Judges objects by their metadata alone.
class ContentsJudge {
 public:
  /// `going`: uids of what is deleted, too; outlives it.
  explicit ContentsJudge(const std::set<std::string>& going) : going_(going) {}
  void take(const GroupKind&, const Value& object);
  std::size_t size() const { return objects_.size(); }
  /// `all_taken`: whether every object of that kind that may own one of these was taken. What is owned by
  /// none that exists is about to be collected.
  Contents judge(const std::function<bool(const GroupKind&)>& all_taken) const;

 private:
  struct Owner {
    GroupKind type;
    std::string uid;
  };
  struct Object {
    Id id;
    std::string uid;
    std::vector<Owner> owners;
    bool spared = false;
  };

  const std::set<std::string>& going_;
  std::vector<Object> objects_;
};

}  // namespace gitopsd::kubernetes
