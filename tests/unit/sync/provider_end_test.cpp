// How the end of a provider's process is told.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>

#include "daemon/sync/provider.h"
#include "tests/unit/source/fixture.h"

namespace gitopsd::sync::test {
namespace {

using namespace std::chrono_literals;

/// Answers `initialize`, reads one call more, and ends so.
constexpr const char* kProgram = R"(#!/usr/bin/python3
import json, os, signal, sys
def read():
    size = 0
    while (line := sys.stdin.buffer.readline().strip()):
        size = int(line.split(b":")[1])
    return json.loads(sys.stdin.buffer.read(size))
def answer(call):
    text = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": {"protocol": 1, "name": "brief"}}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
    sys.stdout.buffer.flush()
)";

struct Brief {
  explicit Brief(const std::string& how) {
    destination.name = DestinationName("here");
    destination.provider = "brief";
    destination.command = folder / "provider";
    std::ofstream(destination.command) << kProgram << how;
    ::chmod(destination.command.c_str(), 0700);
    Provider::Events events;
    events.changed = [](const protocol::Changed&) {};
    events.context = [](const std::string&) {};
    events.condition = [this] {
      if (!told.exchange(true)) ended.set_value();
    };
    provider = open_provider(destination, "installation", folder.path(), folder.path(), std::move(events));
  }
  std::string failure() {
    try {
      provider->list({"installation"}, Monotonic::now() + 60s);
    } catch (const Failure& failure) {
      CHECK(failure.cause() == ProblemCause::transient);
      return failure.what();
    }
    return {};
  }

  source::test::Folder folder;
  config::Destination destination;
  std::promise<void> ended;
  std::atomic<bool> told{false};
  std::unique_ptr<Provider> provider;
};

}  // namespace

TEST_CASE("a provider that ends within a call is told by the signal or the status that ended it") {
  std::string how, end;
  SUBCASE("a crash") {
    how = "answer(read()); read(); os.kill(os.getpid(), signal.SIGSEGV)\n";
    end = "was ended by signal 11 (SIGSEGV)";
  }
  SUBCASE("an exit") {
    how = "answer(read()); read(); os._exit(3)\n";
    end = "exited with status 3";
  }
  Brief brief(how);
  CHECK(brief.failure() == "destination here: its provider " + end);
  brief.ended.get_future().wait();
  CHECK(brief.provider->trouble() == "it " + end);
}

TEST_CASE("a provider that ends before it has begun says so, too") {
  Brief brief("read(); os._exit(3)\n");
  CHECK(brief.failure().find("its provider exited with status 3") != std::string::npos);
  CHECK(brief.provider->trouble() == "its provider exited with status 3");
}

}  // namespace gitopsd::sync::test
