// The provider protocol's messages, typed. README.md beside this file is the contract; encode and decode live
// in messages.cpp. Unknown fields are ignored, an unknown enum word means its documented default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/problem.h"
#include "base/types.h"
#include "base/value.h"

namespace gitopsd::protocol {

inline constexpr std::size_t kMaxFrame = 4u << 20;
inline constexpr std::size_t kInlineBlob = 16u << 10;  ///< larger content travels as a blob
inline constexpr std::size_t kBlobChunk = 192u << 10;
inline constexpr int kProtocol = 1;
/// Bytes of what tells which destination it is.
inline constexpr std::size_t kMaxIdentity = 128;

enum class Prune { automatic, confirm, never };
enum class Drift { heal, report, ignore };
enum class ApplyMode { merge, create_only, replace };
/// `release` is the daemon's own: another application takes it, or nobody; no provider hears of it.
enum class Action { none, create, update, replace, remove, adopt, run, release };
enum class Destroys { nothing, restart, data };
enum class Rerun { check, safe, hold };
enum class Hook { none, pre, sync, post, fail };
enum class PlanMode { changed, full, heal, remove };
enum class StepState { unknown, begun, done, skipped, failed, waiting };
enum class Live { unknown, ours, foreign, absent };
enum class DriftState { unknown, no, yes };
enum class Health { unknown, healthy, progressing, degraded, suspended, missing };
enum class ApplyOutcome { failed, done, stale, cancelled };

struct Blob {
  std::string digest;  ///< hex SHA-256 of the bytes
  std::uint64_t size = 0;
};

/// A blob that a document refers to: `path` as its `needs` named it; a folder gives one per file.
struct DocumentBlob {
  std::string path;
  Blob blob;
};

struct Document {
  std::string digest;
  Value json;
  std::vector<DocumentBlob> blobs;
};

struct Options {
  Prune prune = Prune::automatic;
  Drift drift = Drift::heal;
  ApplyMode apply = ApplyMode::merge;
};

struct Resource {
  ResourceId id;
  std::string kind, name;
  std::string document;  ///< digest
  std::vector<ResourceId> requires_;
  Options options;
  std::vector<std::string> sensitive;  ///< JSON pointers into the document
  std::vector<Hook> hooks{};           ///< when it is run, instead of being kept as declared
};

struct Owner {
  std::string installation, application;
  bool operator==(const Owner&) const = default;
};
/// Whether a mark stands for the owner: its own, or that of who handed the thing over to it.
inline bool stands_for(const Owner& mark, const Owner& owner, const std::string& from) {
  return mark == owner ||
         (!from.empty() && mark.installation == owner.installation && mark.application == from);
}

struct Entry {
  ResourceId id;
  struct Owned {
    std::string digest, receipt;
  };
  struct Intended {
    std::string sync, digest;  ///< empty digest: delete
  };
  std::optional<Owned> owned;
  std::optional<Intended> intended;
  std::string from{};  ///< the application that handed it over: its mark stands for the owner's
};

struct Step {
  std::string key;  ///< unique in its plan and the same for the same plan
  ResourceId id;
  int wave = 0;
  std::vector<std::string> after;
  Action action = Action::none;
  std::string reason;        ///< for people: "mode is 0600, wanted 0644"
  std::string precondition;  ///< opaque
  std::string diff;          ///< redacted unified text
  Destroys destroys = Destroys::nothing;
  Rerun rerun = Rerun::check;
  std::string digest;      ///< of the document that it applies; empty for a delete
  Hook hook = Hook::none;  ///< of the run of a hook: when
  std::string group{};  ///< waves in a row of one group do not wait for each other's health; empty: it does
  std::string from{};   ///< of its entry
  bool provisional = false;  ///< what it changes is known when those before it are done: planned anew then
  bool fresh = false;        ///< each plan has a precondition of its own, though it is of the same state
};

/// The code of a problem in `resolve` that what other documents define may solve.
inline constexpr const char* kUndefined = "undefined";

/// A problem as it crosses the wire: the daemon maps (document, pointer) to file, line and column.
struct WireProblem {
  std::string code, message, hint;
  std::string document, pointer;
  std::string id, step;
  ProblemCause cause = ProblemCause::internal;
  int retry_after_seconds = 0;
  std::string owner{};  ///< of plan: the other application of this installation whose mark is in the way
  bool hook = false;    ///< of resolve: the document declares a hook
};

// --- daemon to provider ---

struct InitializeRequest {
  std::vector<int> protocols{kProtocol};
  std::string destination;
  Value settings;
  std::string installation;
  std::string state_directory;  ///< where a child of the daemon may keep its state; a unit uses its own
  std::string identity{};       ///< which destination is meant, as it was told before; empty: whichever it is
};
struct InitializeResult {
  int protocol = kProtocol;
  std::string name, version;
  Value kinds;  ///< {"File": JSON Schema, ...}
  std::vector<std::string> features;
  int parallel = 1;
  Value render_context;
  std::string render_context_digest;
  /// Which destination it is, at most kMaxIdentity bytes. None: not known yet; empty: it cannot be told.
  std::optional<std::string> identity{};
  bool has(std::string_view feature) const;
};

struct ResolveRequest {
  std::string application;
  std::vector<Document> documents;
  Value defaults, policy;
  std::vector<Value> defined{};  ///< what other documents of the application define, as they were answered
};
struct Need {
  std::string document;  ///< digest of the document that asks
  std::string path;  ///< relative to the application's path, or from the repository's root with a leading '/'
};
struct ResolveResult {
  std::vector<Resource> resources;
  std::vector<WireProblem> problems;
  std::vector<Need> needs;
  std::vector<WireProblem> warnings{};  ///< of the policy, without documents: allowed, and of no use now
  std::vector<Value> defines{};         ///< what these documents define for others; opaque to the daemon
};

struct PlanRequest {
  std::string sync;
  Owner owner;
  Value policy;
  PlanMode mode = PlanMode::changed;
  std::vector<Resource> upsert;
  std::vector<Document> documents;
  std::vector<ResourceId> remove;
  std::vector<Entry> entries;
  bool partial = false;  ///< more of the same plan is asked in other calls: what is not here may be there
  std::int64_t deadline_ms = 60'000;
};
struct PlanResult {
  std::vector<Step> steps;
  std::vector<WireProblem> problems;
  std::string discard;
};

struct ApplyRequest {
  std::string sync;
  Owner owner;
  Value policy;
  std::vector<Step> steps;
  std::vector<Resource> resources;
  std::vector<Document> documents;
  std::int64_t deadline_ms = 300'000;
  int parallel = 1;
};
struct StepResult {
  std::string key;
  StepState state = StepState::unknown;
  std::string receipt;
  std::optional<WireProblem> problem;
};
struct ApplyResult {
  ApplyOutcome outcome = ApplyOutcome::failed;
  std::vector<StepResult> steps;
};

struct ObserveRequest {
  Owner owner;
  Value policy;
  std::vector<Entry> entries;
  std::vector<Resource> resources;
  std::vector<Document> documents;  ///< of the entries, so that a comparison by content is possible
  bool full = false;
  bool watch = false;  ///< from now on tell `changed` for these
};
struct Observation {
  ResourceId id;
  Live live = Live::unknown;
  DriftState drift = DriftState::unknown;
  std::string diff;
  Health health = Health::unknown;
  std::string reason, receipt;
  std::string waits{};     ///< of drift that cannot be put back yet: what for, in words behind "waits for"
  std::string on{};        ///< the id of what it waits for, the same for all that wait for it
  std::string by{}, at{};  ///< of drift: who changed it last, and when, as far as the destination tells
};
struct ObserveResult {
  std::vector<Observation> observations;
};

struct ListRequest {
  std::string installation;
};
struct ListResult {
  struct Item {
    ResourceId id;
    Owner owner;
    std::string digest;
  };
  std::vector<Item> items;
};

struct DiscardRequest {
  std::string token;
};
struct CancelRequest {
  std::string sync;
};

// --- provider to daemon ---

struct Progress {
  std::string sync, key;
  StepState state = StepState::unknown;
  std::string receipt, message;
  std::optional<WireProblem> problem;
};
struct Changed {
  std::string application;
  std::vector<ResourceId> ids;
  bool all = false;
};
struct ContextChanged {
  std::string render_context_digest;
  Value render_context{};  ///< null: as it was
};
/// Which destination it is, where `initialize` could not tell yet.
struct Identified {
  std::string identity;
};
/// A state of the destination that people should know of, until it has passed.
struct Condition {
  std::string key;                          ///< a later one of the same key takes its place
  std::string message{};                    ///< what is the matter; empty: it has passed
  std::string hint{};                       ///< the way out
  bool unreachable = false;                 ///< nothing there can be compared or changed
  std::vector<std::string> applications{};  ///< whom it concerns; none: all of the destination
};
struct BlobRequest {
  std::string digest;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
struct BlobChunk {
  std::string data;  ///< raw here, base64 on the wire
  bool eof = false;
};

// Every message has these two. `decode` throws Failure (cause input) that names the field.
// NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in parentheses
#define GITOPSD_MESSAGE(Type) \
  Value encode(const Type&);  \
  void decode(const Value&, Type&)
GITOPSD_MESSAGE(InitializeRequest);
GITOPSD_MESSAGE(InitializeResult);
GITOPSD_MESSAGE(ResolveRequest);
GITOPSD_MESSAGE(ResolveResult);
GITOPSD_MESSAGE(PlanRequest);
GITOPSD_MESSAGE(PlanResult);
GITOPSD_MESSAGE(ApplyRequest);
GITOPSD_MESSAGE(ApplyResult);
GITOPSD_MESSAGE(ObserveRequest);
GITOPSD_MESSAGE(ObserveResult);
GITOPSD_MESSAGE(ListRequest);
GITOPSD_MESSAGE(ListResult);
GITOPSD_MESSAGE(DiscardRequest);
GITOPSD_MESSAGE(CancelRequest);
GITOPSD_MESSAGE(Progress);
GITOPSD_MESSAGE(Changed);
GITOPSD_MESSAGE(ContextChanged);
GITOPSD_MESSAGE(Identified);
GITOPSD_MESSAGE(Condition);
GITOPSD_MESSAGE(BlobRequest);
GITOPSD_MESSAGE(BlobChunk);
GITOPSD_MESSAGE(Resource);
GITOPSD_MESSAGE(Document);
GITOPSD_MESSAGE(Step);
GITOPSD_MESSAGE(WireProblem);
#undef GITOPSD_MESSAGE
// NOLINTEND(bugprone-macro-parentheses)

template <class T>
T decode_as(const Value& value) {
  T t;
  decode(value, t);
  return t;
}

// The wire words, for plans and tables.
std::string_view to_string(Action);
std::string_view to_string(Live);
std::string_view to_string(DriftState);
std::string_view to_string(Health);
std::string_view to_string(StepState);
std::string_view to_string(Destroys);
std::string_view to_string(Prune);
std::string_view to_string(Drift);
std::string_view to_string(Hook);

}  // namespace gitopsd::protocol
