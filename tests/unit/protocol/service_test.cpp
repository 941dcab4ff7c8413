#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "base/hash.h"
#include "base/json.h"
#include "providers/protocol/peer.h"
#include "providers/protocol/remembered.h"
#include "providers/protocol/service.h"
#include "tests/unit/protocol/pipes.h"

using namespace gitopsd;
using namespace gitopsd::protocol;
using namespace std::chrono_literals;

namespace {

Deadline soon() {
  return Monotonic::now() + 100s;
}

/// Applies a step by reading its document's blob; the step "wait" ends when cancelled.
class Sample : public Service {
 public:
  InitializeResult initialize(const InitializeRequest& request, std::shared_ptr<Notifier> notifier) override {
    if (request.destination == "broken")
      throw fail(ProblemCause::destination, "no such place", "name another");
    notifier->changed({"", {}, true});
    InitializeResult result;
    result.name = "sample";
    return result;
  }
  ResolveResult resolve(const ResolveRequest&, CallContext&) override { throw std::runtime_error("bug"); }
  PlanResult plan(const PlanRequest& request, CallContext&) override {
    planned = request.documents;
    return {};
  }
  ApplyResult apply(const ApplyRequest& request, CallContext& call, const ProgressSink& progress) override {
    ApplyResult result{ApplyOutcome::done, {}};
    for (const Step& step : request.steps) {
      progress({request.sync, step.key, StepState::begun, {}, {}, {}});
      if (step.key == "wait")
        while (!call.cancelled()) std::this_thread::yield();
      if (call.cancelled()) return {ApplyOutcome::cancelled, {}};
      std::string receipt;
      for (const auto& blob : request.documents.at(0).blobs)
        receipt = to_hex(sha256(call.blobs.read(blob.blob, 8u << 20)));
      progress({request.sync, step.key, StepState::done, receipt, {}, {}});
      result.steps.push_back({step.key, StepState::done, receipt, {}});
    }
    return result;
  }
  ObserveResult observe(const ObserveRequest&, CallContext&) override { return {}; }
  ListResult list(const ListRequest&, CallContext&) override { return {}; }
  void shutdown() override { ended = true; }
  std::vector<Document> planned;
  std::atomic<bool> ended{false};
};

/// A daemon's end: answers blobs from a map, keeps the progress.
struct Daemon {
  std::map<std::string, std::string> blobs;
  std::mutex mutex;
  std::vector<Progress> progress;
  std::promise<void> begun, all_changed;
  std::atomic<int> chunks{0};
  std::unique_ptr<Peer> peer;
  Sample service;
  std::future<int> status;

  Daemon() {
    auto [mine, theirs] = test::pipes();
    Peer::Handlers handlers;
    handlers.request = [this](std::string_view method, const Value& params, auto answer, const auto& refuse) {
      if (method != "blob") return refuse(kUnknownMethod, "unknown");
      auto request = decode_as<BlobRequest>(params);
      const std::string& bytes = blobs.at(request.digest);
      ++chunks;
      BlobChunk chunk{bytes.substr(request.offset, request.length), false};
      chunk.eof = request.offset + chunk.data.size() == bytes.size();
      answer(encode(chunk));
    };
    handlers.notification = [this](std::string_view method, const Value& params) {
      if (method == "changed") return all_changed.set_value();
      std::lock_guard lock(mutex);
      progress.push_back(decode_as<Progress>(params));
      if (progress.size() == 1) begun.set_value();
    };
    peer = std::make_unique<Peer>(std::move(mine.in), std::move(mine.out), std::move(handlers));
    status = std::async(std::launch::async, [this, t = std::move(theirs)]() mutable {
      return serve(service, std::move(t.in), std::move(t.out));
    });
  }
  ~Daemon() { peer.reset(); }  // before the wait for serve()
  Value call(std::string_view method, const Value& params = Value::object()) {
    return peer->call(method, params, soon());
  }
  void initialize() { call("initialize", encode(InitializeRequest{})); }
  std::string refused(std::string_view method, const Value& params = Value::object()) {
    try {
      call(method, params);
    } catch (const Failure& e) {
      return e.what();
    }
    return "succeeded";
  }
};

ApplyRequest applying(const std::string& key, const std::string& bytes, std::string digest = {}) {
  ApplyRequest request;
  request.sync = "7";
  request.steps.push_back(
      {key, ResourceId("a"), 0, {}, Action::create, "", "", "", Destroys::nothing, Rerun::check, "d"});
  if (digest.empty()) digest = to_hex(sha256(bytes));
  request.documents.push_back({"d", Value::object(), {{"file", {digest, bytes.size()}}}});
  return request;
}

}  // namespace

TEST_CASE("nothing is served before initialize, and initialize is negotiated") {
  Daemon daemon;
  CHECK(daemon.refused("list").find("initialize must be answered first") != std::string::npos);
  CHECK(
      daemon.refused("initialize", encode(InitializeRequest{{99}, {}, {}, {}, {}})).find("protocol 1 only") !=
      std::string::npos);
  CHECK(daemon.refused("initialize", encode(InitializeRequest{{1}, "broken", {}, {}, {}}))
            .find("name another") != std::string::npos);
  CHECK(daemon.call("initialize", encode(InitializeRequest{{1, 99}, {}, {}, {}, {}})).get_int("protocol") ==
        1);
  daemon.all_changed.get_future().get();
  CHECK(daemon.refused("initialize", encode(InitializeRequest{})).find("once per stream") !=
        std::string::npos);
  CHECK(daemon.refused("invent").find("unknown method") != std::string::npos);
  CHECK(daemon.refused("plan").find("'/owner'") != std::string::npos);
  CHECK(daemon.refused("resolve", encode(ResolveRequest{})).find("bug") != std::string::npos);
  CHECK(daemon.call("list", encode(ListRequest{})).find("items"));
  daemon.call("shutdown");
  CHECK(daemon.status.get() == 0);
  CHECK(daemon.service.ended);
}

TEST_CASE("blobs arrive in chunks and are verified whole") {
  Daemon daemon;
  daemon.initialize();
  std::string bytes = random_bytes(1'000'000);
  daemon.blobs[to_hex(sha256(bytes))] = bytes;
  auto result = decode_as<ApplyResult>(daemon.call("apply", encode(applying("write", bytes))));
  CHECK(result.steps.at(0).receipt == to_hex(sha256(bytes)));
  CHECK(daemon.chunks == 6);
  // Progress came before the answer.
  {
    std::lock_guard lock(daemon.mutex);
    REQUIRE(daemon.progress.size() == 2);
    CHECK(daemon.progress[1].state == StepState::done);
  }

  const std::string lie(64, 'a');
  daemon.blobs[lie] = bytes;
  CHECK(daemon.refused("apply", encode(applying("write", bytes, lie))).find("SHA-256 differs") !=
        std::string::npos);
  daemon.blobs[lie] = bytes.substr(0, 10);
  CHECK(daemon.refused("apply", encode(applying("write", bytes, lie))).find("ended after 10 bytes") !=
        std::string::npos);
}

TEST_CASE("a document of many files is only named once it was resolved") {
  Daemon daemon;
  daemon.initialize();
  Document folder{"folder", parse_json(R"({"kind": "Folder"})"), {}};
  for (int i = 0; i < 100; ++i) folder.blobs.push_back({"f/" + std::to_string(i), {"abc", 3}});
  const Document file{"file", parse_json(R"({"kind": "File"})"), {{"g", {"abc", 3}}}};
  std::vector<Document> named{folder, file};
  CHECK(any_long(named));
  only_named(named);
  CHECK(named[0].blobs.empty());
  CHECK(named[1].blobs.size() == 1);
  CHECK_FALSE(any_long(named));
  PlanRequest plan;
  plan.documents = named;
  const auto forgotten = [&] {
    try {
      daemon.call("plan", encode(plan));
    } catch (const Refusal& refusal) {
      return refusal.all.size() == 1 && refusal.all[0].code == kForgotten;
    }
    return false;
  };
  CHECK(forgotten());

  ResolveRequest resolve;
  resolve.documents = {folder, file};
  daemon.refused("resolve", encode(resolve));  // which this service cannot do, but was sent
  daemon.call("plan", encode(plan));
  REQUIRE(daemon.service.planned.size() == 2);
  CHECK(daemon.service.planned[0].blobs.size() == 100);
  CHECK(to_json(daemon.service.planned[0].json) == to_json(folder.json));
  CHECK(daemon.service.planned[1].blobs.size() == 1);

  // What came since takes its place.
  for (int i = 0; i < 12; ++i) {
    resolve.documents = {{"large " + std::to_string(i), folder.json, {}}};
    resolve.documents[0].blobs.resize(9'000, folder.blobs[0]);
    daemon.refused("resolve", encode(resolve));
  }
  CHECK(forgotten());
}

TEST_CASE("cancel ends an apply between steps, and the apply still answers") {
  Daemon daemon;
  daemon.initialize();
  auto apply =
      std::async(std::launch::async, [&] { return daemon.call("apply", encode(applying("wait", ""))); });
  daemon.begun.get_future().get();
  daemon.call("cancel", encode(CancelRequest{"another"}));
  CHECK(apply.wait_for(50ms) == std::future_status::timeout);
  daemon.call("cancel", encode(CancelRequest{"7"}));
  CHECK(decode_as<ApplyResult>(apply.get()).outcome == ApplyOutcome::cancelled);
}

TEST_CASE("shutdown and end of file both cancel what is open and wait for it") {
  SUBCASE("shutdown") {
    Daemon daemon;
    daemon.initialize();
    auto apply =
        std::async(std::launch::async, [&] { return daemon.call("apply", encode(applying("wait", ""))); });
    daemon.begun.get_future().get();
    daemon.call("shutdown");
    CHECK(decode_as<ApplyResult>(apply.get()).outcome == ApplyOutcome::cancelled);
    CHECK(daemon.status.get() == 0);
  }
  SUBCASE("end of file") {
    Daemon daemon;
    daemon.initialize();
    auto apply =
        std::async(std::launch::async, [&] { return daemon.refused("apply", encode(applying("wait", ""))); });
    daemon.begun.get_future().get();
    daemon.peer->close();
    apply.get();
    daemon.peer.reset();
    CHECK(daemon.status.get() == 0);
    CHECK(daemon.service.ended);
  }
}
