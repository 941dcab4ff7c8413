#include "daemon/source/pack_writer.h"

namespace gitopsd::source {

namespace {

constexpr std::chrono::milliseconds kReportEvery{200};

/// Indexing a large pack takes a while after its last byte, and must end when it is asked to.
int on_progress(const git_indexer_progress* /*progress*/, void* operation) {
  return static_cast<const Operation*>(operation)->cancel().requested() ? GIT_EUSER : 0;
}

}  // namespace

PackWriter::PackWriter(const Operation& operation, Depot& depot, const Depot::Lease& lease)
    : operation_(operation), depot_(depot), lease_(lease) {
  git_indexer_options options = GIT_INDEXER_OPTIONS_INIT;
  options.progress_cb = on_progress;
  options.progress_cb_payload = const_cast<Operation*>(&operation);
  const std::string folder = depot.path() + "/objects/pack";
  if (git_indexer_new(&indexer_, folder.c_str(), 0, lease.odb(), &options) != 0) throw failure();
}

PackWriter::~PackWriter() {
  git_indexer_free(indexer_);
}

void PackWriter::append(std::string_view bytes) {
  if (git_indexer_append(indexer_, bytes.data(), bytes.size(), &progress_) != 0) throw failure();
  bytes_ += bytes.size();
  report();
}

void PackWriter::report() {
  const auto& tell = operation_.remote().progress;
  if (!tell || Monotonic::now() - reported_ < kReportEvery) return;
  reported_ = Monotonic::now();
  tell({bytes_, progress_.received_objects, progress_.total_objects});
}

void PackWriter::commit() {
  if (git_indexer_commit(indexer_, &progress_) != 0) throw failure();
  git_odb_refresh(lease_.odb());
}

Failure PackWriter::failure() const {
  operation_.check("storing its objects");
  const git_error* const error = git_error_last();
  const bool ours = error != nullptr && (error->klass == GIT_ERROR_OS || error->klass == GIT_ERROR_NOMEMORY);
  const std::string text =
      error != nullptr && error->message != nullptr ? printable(error->message) : "unknown";
  git_error_clear();
  if (ours)
    return operation_.failure(ProblemCause::transient,
                              "mirror " + depot_.path() + " cannot store objects: " + text,
                              "is the disk full, or not ours to write?");
  return operation_.failure(
      ProblemCause::transient, "sent a pack that is not whole: " + text,
      "it is asked again; `git fsck` on the server shows whether its objects are sound");
}

}  // namespace gitopsd::source
