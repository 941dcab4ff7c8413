#include "providers/protocol/messages.h"

#include <algorithm>

#include "base/hash.h"
#include "providers/protocol/fields.h"

namespace gitopsd::protocol {

// A message is described once, as its fields; encode and decode both walk that description, so they cannot
// differ. `must` is a field that a message is nonsense without; every other one may be missing and then keeps
// its default.
template <class T, class U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <class Io>
void fields(Io& io, Is<Blob> auto& m) {
  io.must("digest", m.digest).may("size", m.size);
}
template <class Io>
void fields(Io& io, Is<DocumentBlob> auto& m) {
  io.may("path", m.path).must("blob", m.blob);
}
template <class Io>
void fields(Io& io, Is<Document> auto& m) {
  io.must("digest", m.digest).must("json", m.json).may("blobs", m.blobs);
}
template <class Io>
void fields(Io& io, Is<Options> auto& m) {
  io.may("prune", m.prune).may("drift", m.drift).may("apply", m.apply);
}
template <class Io>
void fields(Io& io, Is<Resource> auto& m) {
  io.must("id", m.id).must("kind", m.kind).may("name", m.name).may("document", m.document);
  io.may("requires", m.requires_).may("options", m.options).may("sensitive", m.sensitive);
  io.may("hooks", m.hooks);
}
template <class Io>
void fields(Io& io, Is<Owner> auto& m) {
  io.may("installation", m.installation).may("application", m.application);
}
template <class Io>
void fields(Io& io, Is<Entry::Owned> auto& m) {
  io.may("digest", m.digest).receipt("receipt", m.receipt);
}
template <class Io>
void fields(Io& io, Is<Entry::Intended> auto& m) {
  io.may("sync", m.sync).may("digest", m.digest);
}
template <class Io>
void fields(Io& io, Is<Entry> auto& m) {
  io.must("id", m.id).may("owned", m.owned).may("intended", m.intended).may("from", m.from);
}
template <class Io>
void fields(Io& io, Is<Step> auto& m) {
  io.must("key", m.key)
      .must("id", m.id)
      .may("wave", m.wave)
      .may("group", m.group)
      .may("after", m.after)
      .must("action", m.action);
  io.may("reason", m.reason).may("precondition", m.precondition).may("diff", m.diff);
  io.may("destroys", m.destroys).may("rerun", m.rerun).may("digest", m.digest).may("hook", m.hook);
  io.may("from", m.from).may("provisional", m.provisional).may("fresh", m.fresh);
}
template <class Io>
void fields(Io& io, Is<WireProblem> auto& m) {
  io.may("code", m.code).must("message", m.message).may("hint", m.hint).may("document", m.document);
  io.may("pointer", m.pointer).may("id", m.id).may("step", m.step).may("cause", m.cause);
  io.may("retryAfterSeconds", m.retry_after_seconds).may("owner", m.owner).may("hook", m.hook);
}
template <class Io>
void fields(Io& io, Is<InitializeRequest> auto& m) {
  io.must("protocols", m.protocols).may("destination", m.destination).may("settings", m.settings);
  io.may("installation", m.installation).may("stateDirectory", m.state_directory);
  io.may("identity", m.identity);
}
template <class Io>
void fields(Io& io, Is<InitializeResult> auto& m) {
  io.must("protocol", m.protocol).must("name", m.name).may("version", m.version).may("kinds", m.kinds);
  io.may("features", m.features).may("parallel", m.parallel).may("renderContext", m.render_context);
  io.may("renderContextDigest", m.render_context_digest).may("identity", m.identity);
}
template <class Io>
void fields(Io& io, Is<ResolveRequest> auto& m) {
  io.may("application", m.application).must("documents", m.documents).may("defaults", m.defaults);
  io.may("policy", m.policy).may("defined", m.defined);
}
template <class Io>
void fields(Io& io, Is<Need> auto& m) {
  io.must("document", m.document).must("path", m.path);
}
template <class Io>
void fields(Io& io, Is<ResolveResult> auto& m) {
  io.must("resources", m.resources).may("problems", m.problems).may("warnings", m.warnings);
  io.may("needs", m.needs).may("defines", m.defines);
}
template <class Io>
void fields(Io& io, Is<PlanRequest> auto& m) {
  io.may("sync", m.sync).must("owner", m.owner).may("policy", m.policy).may("mode", m.mode);
  io.may("upsert", m.upsert).may("documents", m.documents).may("remove", m.remove);
  io.may("entries", m.entries).may("partial", m.partial);
  io.may("deadlineMs", m.deadline_ms);
}
template <class Io>
void fields(Io& io, Is<PlanResult> auto& m) {
  io.must("steps", m.steps).may("problems", m.problems).may("discard", m.discard);
}
template <class Io>
void fields(Io& io, Is<ApplyRequest> auto& m) {
  io.must("sync", m.sync).must("owner", m.owner).may("policy", m.policy).must("steps", m.steps);
  io.may("resources", m.resources).may("documents", m.documents).may("deadlineMs", m.deadline_ms);
  io.may("parallel", m.parallel);
}
template <class Io>
void fields(Io& io, Is<StepResult> auto& m) {
  io.must("key", m.key).must("state", m.state).receipt("receipt", m.receipt).may("problem", m.problem);
}
template <class Io>
void fields(Io& io, Is<ApplyResult> auto& m) {
  io.must("outcome", m.outcome).must("steps", m.steps);
}
template <class Io>
void fields(Io& io, Is<ObserveRequest> auto& m) {
  io.must("owner", m.owner).may("policy", m.policy).must("entries", m.entries).may("resources", m.resources);
  io.may("documents", m.documents).may("full", m.full).may("watch", m.watch);
}
template <class Io>
void fields(Io& io, Is<Observation> auto& m) {
  io.must("id", m.id).must("live", m.live).must("drift", m.drift).may("diff", m.diff);
  io.may("health", m.health).may("reason", m.reason).receipt("receipt", m.receipt);
  io.may("waits", m.waits).may("on", m.on).may("by", m.by).may("at", m.at);
}
template <class Io>
void fields(Io& io, Is<ObserveResult> auto& m) {
  io.must("observations", m.observations);
}
template <class Io>
void fields(Io& io, Is<ListRequest> auto& m) {
  io.may("installation", m.installation);
}
template <class Io>
void fields(Io& io, Is<ListResult::Item> auto& m) {
  io.must("id", m.id).may("owner", m.owner).may("digest", m.digest);
}
template <class Io>
void fields(Io& io, Is<ListResult> auto& m) {
  io.must("items", m.items);
}
template <class Io>
void fields(Io& io, Is<DiscardRequest> auto& m) {
  io.must("token", m.token);
}
template <class Io>
void fields(Io& io, Is<CancelRequest> auto& m) {
  io.must("sync", m.sync);
}
template <class Io>
void fields(Io& io, Is<Progress> auto& m) {
  io.must("sync", m.sync).must("key", m.key).must("state", m.state).receipt("receipt", m.receipt);
  io.may("message", m.message).may("problem", m.problem);
}
template <class Io>
void fields(Io& io, Is<Changed> auto& m) {
  io.may("application", m.application).may("ids", m.ids).may("all", m.all);
}
template <class Io>
void fields(Io& io, Is<ContextChanged> auto& m) {
  io.must("renderContextDigest", m.render_context_digest).may("renderContext", m.render_context);
}
template <class Io>
void fields(Io& io, Is<Identified> auto& m) {
  io.must("identity", m.identity);
}
template <class Io>
void fields(Io& io, Is<Condition> auto& m) {
  io.must("key", m.key).may("message", m.message).may("hint", m.hint);
  io.may("unreachable", m.unreachable).may("applications", m.applications);
}
template <class Io>
void fields(Io& io, Is<BlobRequest> auto& m) {
  io.must("digest", m.digest).may("offset", m.offset).must("length", m.length);
}
template <class Io>
void fields(Io& io, Is<BlobChunk> auto& m) {
  io.must("data", m.data).may("eof", m.eof);
}

namespace {

template <class T>
Value to_object(const T& message) {
  FieldWriter writer([](auto& io, auto& m) { fields(io, m); });
  return writer.object(message);
}

template <class T>
void from_object(const Value& value, T& message) {
  FieldReader reader([](auto& io, auto& m) { fields(io, m); }, value);
  reader.object(message);
}

}  // namespace

// NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in parentheses
#define GITOPSD_MESSAGE(Type)                \
  Value encode(const Type& m) {              \
    return to_object(m);                     \
  }                                          \
  void decode(const Value& value, Type& m) { \
    from_object(value, m);                   \
  }
GITOPSD_MESSAGE(InitializeRequest)
GITOPSD_MESSAGE(InitializeResult)
GITOPSD_MESSAGE(ResolveRequest)
GITOPSD_MESSAGE(ResolveResult)
GITOPSD_MESSAGE(PlanRequest)
GITOPSD_MESSAGE(PlanResult)
GITOPSD_MESSAGE(ApplyRequest)
GITOPSD_MESSAGE(ApplyResult)
GITOPSD_MESSAGE(ObserveRequest)
GITOPSD_MESSAGE(ObserveResult)
GITOPSD_MESSAGE(ListRequest)
GITOPSD_MESSAGE(ListResult)
GITOPSD_MESSAGE(DiscardRequest)
GITOPSD_MESSAGE(CancelRequest)
GITOPSD_MESSAGE(Progress)
GITOPSD_MESSAGE(Changed)
GITOPSD_MESSAGE(ContextChanged)
GITOPSD_MESSAGE(Identified)
GITOPSD_MESSAGE(Condition)
GITOPSD_MESSAGE(BlobRequest)
GITOPSD_MESSAGE(Resource)
GITOPSD_MESSAGE(Document)
GITOPSD_MESSAGE(Step)
GITOPSD_MESSAGE(WireProblem)
#undef GITOPSD_MESSAGE
// NOLINTEND(bugprone-macro-parentheses)

Value encode(const BlobChunk& m) {
  return to_object(BlobChunk{to_base64(m.data), m.eof});
}

void decode(const Value& value, BlobChunk& m) {
  BlobChunk wire;
  from_object(value, wire);
  auto bytes = from_base64(wire.data);
  if (!bytes) throw fail(ProblemCause::input, "/data: not base64 (RFC 4648 section 4, with padding)");
  if (bytes->size() > kBlobChunk)
    throw fail(ProblemCause::input, "/data: " + std::to_string(bytes->size()) +
                                        " bytes, a chunk has at most " + std::to_string(kBlobChunk));
  m = BlobChunk{std::move(*bytes), wire.eof};
}

bool InitializeResult::has(std::string_view feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

}  // namespace gitopsd::protocol
