#include "tests/unit/host/fixture.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/hash.h"
#include "base/json.h"
#include "providers/host/path.h"
#include "tests/unit/slower.h"

namespace gitopsd::host::test {

namespace fs = std::filesystem;

protocol::Blob MemoryBlobs::add(std::string content) {
  protocol::Blob blob{to_hex(sha256(content)), content.size()};
  bytes[blob.digest] = std::move(content);
  return blob;
}

void MemoryBlobs::copy(const protocol::Blob& blob, const Sink& sink) {
  auto found = bytes.find(blob.digest);
  if (found == bytes.end()) throw fail(ProblemCause::transient, "the stream ended");
  for (std::size_t at = 0; at < found->second.size(); at += 1000)
    sink(std::string_view(found->second).substr(at, 1000));
}

Fixture::Fixture() {
  std::string pattern = (fs::temp_directory_path() / "gitopsd-host-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()));
  base_ = pattern;
  root = base_ + "/root";
  state_directory = base_ + "/state";
  fs::create_directory(root);
  policy = Value::object({{"paths", Value::array().push(root)}});
  state = std::make_unique<State>(state_directory);
}

Fixture::~Fixture() {
  state.reset();
  fs::remove_all(base_);
}

void Fixture::restart() {
  state.reset();
  state = std::make_unique<State>(state_directory);
}

protocol::Document Fixture::document(const std::string& kind, Value spec) {
  Value json = Value::object({{"apiVersion", kApiVersion}, {"kind", kind}});
  json.set("metadata", Value::object({{"name", "x"}}));
  json.set("spec", std::move(spec));
  return {to_hex(sha256(to_json(json))), json, {}};
}

protocol::Document Fixture::file(const std::string& name, const std::string& content, Value more) {
  more.set("path", at(name)).set("content", content);
  return document("File", std::move(more));
}

protocol::Document Fixture::directory(const std::string& name, Value more) {
  more.set("path", at(name));
  return document("Directory", std::move(more));
}

protocol::Document Fixture::symlink(const std::string& name, const std::string& target) {
  return document("Symlink", Value::object({{"path", at(name)}, {"target", target}}));
}

protocol::ResolveResult Fixture::resolve(const std::vector<protocol::Document>& documents) {
  protocol::ResolveRequest request;
  request.application = owner.application;
  request.documents = documents;
  request.defaults = defaults;
  request.policy = policy;
  auto result = host::resolve(request);
  for (const auto& resource : result.resources) resources[resource.document] = resource;
  return result;
}

protocol::PlanResult Fixture::plan(const std::vector<protocol::Document>& documents,
                                   std::vector<std::string> remove, protocol::PlanMode mode) {
  protocol::PlanRequest request;
  request.sync = "1";
  request.owner = owner;
  request.policy = policy;
  request.mode = mode;
  request.documents = documents;
  for (const auto& document : documents) {
    if (!resources.contains(document.digest)) resolve({document});
    if (resources.contains(document.digest)) request.upsert.push_back(resources[document.digest]);
  }
  for (const auto& name : remove) request.remove.push_back(id_of(at(name)));
  for (const auto& resource : request.upsert) request.entries.push_back({resource.id, {}, {}, from});
  for (const auto& id : request.remove) request.entries.push_back({id, {}, {}, from});
  protocol::CallContext context{blobs, cancelled, Monotonic::now() + std::chrono::minutes(1)};
  return host::plan(*state, request, context);
}

protocol::ApplyResult Fixture::apply(const protocol::PlanResult& plan,
                                     const std::vector<protocol::Document>& documents) {
  protocol::ApplyRequest request;
  request.sync = "1";
  request.owner = owner;
  request.policy = policy;
  request.steps = plan.steps;
  request.documents = documents;
  request.parallel = 4;
  for (const auto& document : documents)
    if (resources.contains(document.digest)) request.resources.push_back(resources[document.digest]);
  protocol::CallContext context{blobs, cancelled, Monotonic::now() + std::chrono::minutes(1)};
  std::mutex mutex;
  return host::apply(
      *state, request, context,
      [&](const protocol::Progress& p) {
        std::lock_guard lock(mutex);
        progress.push_back(p);
      },
      before_check);
}

void Fixture::sync(const std::vector<protocol::Document>& documents, std::vector<std::string> remove) {
  auto planned = plan(documents, std::move(remove));
  for (const auto& problem : planned.problems) FAIL_CHECK(problem.message);
  auto result = apply(planned, documents);
  for (const auto& step : result.steps)
    if (step.problem) FAIL_CHECK(step.problem->message);
  REQUIRE(result.outcome == protocol::ApplyOutcome::done);
}

protocol::Observation Fixture::observe(const std::string& name, bool full) {
  protocol::ObserveRequest request;
  request.owner = owner;
  request.policy = policy;
  request.full = full;
  protocol::Entry entry{id_of(at(name)), {}, {}, from};
  if (auto record = state->owned.find(entry.id)) entry.owned = {record->digest, record->receipt};
  request.entries.push_back(entry);
  return host::observe(*state, nullptr, request).observations.at(0);
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

int mode_of(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? static_cast<int>(st.st_mode & 07777) : -1;
}

bool exists(const std::string& path) {
  return mode_of(path) >= 0;
}

std::vector<std::string> names(const std::string& path) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(path)) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Monotonic::now() + std::chrono::seconds(30) * gitopsd::test::kSlower;
  while (!condition()) {
    if (Monotonic::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace gitopsd::host::test
