// What a forge's delivery means: a pure function from headers and body bytes to a proof and push events.
// Nothing here does I/O, and nothing of a body is believed before its proof.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "base/types.h"

namespace gitopsd::handlers {

/// Header names compare without case.
bool same_name(std::string_view a, std::string_view b);

/// Header fields as they came, in order; names compare without case.
class Headers {
 public:
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  /// The value of the first field of that name, or an empty view with null data.
  std::string_view find(std::string_view name) const;
  /// How many fields have that name: a proof header given twice is refused.
  int count(std::string_view name) const;
  const auto& fields() const { return fields_; }
  void clear() { fields_.clear(); }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

/// One HTTP request to a hook. All views stay valid while the handler runs.
struct Delivery {
  Headers headers;
  std::string_view body;
  WallMicros now = 0;
};

/// The forge-neutral meaning of one ref in a delivery.
struct PushEvent {
  Ref ref;
  CommitId before;  ///< empty where the ref did not exist
  CommitId after;   ///< a commit or an annotated tag's object; empty for a deletion
  bool deleted = false;
  std::string actor;  ///< who pushed, as the forge says; at most 256 bytes
};

/// What the payload says about its repository, to be matched against the configuration; never fetched from.
struct RepositoryClaim {
  std::string full_name;          ///< "owner/name"
  std::vector<std::string> urls;  ///< every clone and web URL that the payload gives
};

struct Outcome {
  /// accepted: `pushes` is not empty. ignored: authentic, nothing to do here (200 with the reason).
  /// unauthenticated: 401. malformed: 400. unsupported_type: 415.
  enum class Kind { accepted, ignored, unauthenticated, malformed, unsupported_type };
  Kind kind = Kind::malformed;
  std::string reason;  ///< for the operator; the caller of a 401 never sees it
  DeliveryId delivery;
  std::string event;  ///< the forge's own event name, for the operator
  /// The verified MAC where it covers the body, else the body's SHA-256: tells a true duplicate from a reused
  /// id.
  Sha256 digest{};
  /// Whether the proof covers the whole body (false for GitLab's secret token). `require: signed` asks for
  /// it.
  bool body_signed = false;
  RepositoryClaim repository;
  std::vector<PushEvent> pushes;
};

/// One forge. Handlers are stateless and shared between threads.
class Handler {
 public:
  virtual ~Handler() = default;
  /// The word in the configuration's `forge:`.
  virtual std::string_view forge() const = 0;
  /// Any one of `secrets` may match (rotation). Never throws for bad input.
  virtual Outcome handle(const Delivery& delivery, std::span<const Secret> secrets) const = 0;
  /// Header names that are safe to store and log, lower case.
  virtual std::span<const std::string_view> storable_headers() const = 0;
};

/// nullptr for an unknown forge.
const Handler* find_handler(std::string_view forge);
/// The words that `find_handler` knows, sorted.
std::vector<std::string> forges();

}  // namespace gitopsd::handlers
