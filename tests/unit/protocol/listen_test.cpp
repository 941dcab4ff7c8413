// run_provider on a socket handed over as systemd does it, in a child process.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <future>

#include "providers/protocol/peer.h"
#include "providers/protocol/service.h"

using namespace gitopsd;
using namespace gitopsd::protocol;
using namespace std::chrono_literals;

namespace {

class Nothing : public Service {
 public:
  InitializeResult initialize(const InitializeRequest&, std::shared_ptr<Notifier>) override {
    InitializeResult result;
    result.name = "nothing";
    return result;
  }
  ResolveResult resolve(const ResolveRequest&, CallContext&) override { return {}; }
  PlanResult plan(const PlanRequest&, CallContext&) override { return {}; }
  ApplyResult apply(const ApplyRequest&, CallContext&, const ProgressSink&) override { return {}; }
  ObserveResult observe(const ObserveRequest&, CallContext&) override { return {}; }
  ListResult list(const ListRequest&, CallContext&) override { return {}; }
};

/// A resident provider with a socket of its own.
class Resident {
 public:
  explicit Resident(std::optional<uid_t> allowed) {
    char folder[] = "/tmp/gitopsd-listen-XXXXXX";
    REQUIRE(::mkdtemp(folder));
    folder_ = folder;
    std::strcpy(address_.sun_path, (folder_ + "/s").c_str());
    address_.sun_family = AF_UNIX;
    Fd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_) == 0);
    REQUIRE(::listen(listening.get(), 8) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) run(listening.get(), allowed);
  }
  ~Resident() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::unlink(address_.sun_path);
    ::rmdir(folder_.c_str());
  }

  /// Connected, with a promise that is kept when the other side ends the stream.
  std::unique_ptr<Peer> connect(std::promise<void>* closed = nullptr) {
    Fd in(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(in.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_) == 0);
    Fd out(::fcntl(in.get(), F_DUPFD_CLOEXEC, 3));
    Peer::Handlers handlers;
    handlers.closed = [closed](const std::string&) {
      if (closed) closed->set_value();
    };
    return std::make_unique<Peer>(std::move(in), std::move(out), std::move(handlers));
  }
  /// Exit status after SIGTERM.
  int stop() {
    ::kill(child_, SIGTERM);
    return wait();
  }
  int wait() {
    int status = 0;
    REQUIRE(::waitpid(child_, &status, 0) == child_);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  [[noreturn]] static void run(int listening, std::optional<uid_t> allowed) {
    ::dup2(listening, 3);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::_exit(run_provider([] { return std::make_unique<Nothing>(); }, {allowed}));
  }

  std::string folder_;
  sockaddr_un address_{};
  pid_t child_ = -1;
};

std::string name_of(Peer& peer) {
  return peer.call("initialize", encode(InitializeRequest{}), Monotonic::now() + 20s).get_string("name");
}

}  // namespace

TEST_CASE("a resident provider serves the allowed user, the newest connection first, and stops at SIGTERM") {
  Resident provider(::geteuid());
  std::promise<void> ended;
  auto first = provider.connect(&ended);
  CHECK(name_of(*first) == "nothing");
  auto second = provider.connect();
  CHECK(name_of(*second) == "nothing");
  CHECK(ended.get_future().wait_for(20s) == std::future_status::ready);
  second.reset();
  auto third = provider.connect();
  CHECK(name_of(*third) == "nothing");
  CHECK(provider.stop() == 0);
}

TEST_CASE("a resident provider hears nobody else") {
  Resident provider(::geteuid() + 1);
  std::promise<void> ended;
  auto peer = provider.connect(&ended);
  CHECK(ended.get_future().wait_for(20s) == std::future_status::ready);
  CHECK_THROWS_AS(name_of(*peer), Failure);
  CHECK(provider.stop() == 0);
}

TEST_CASE("a socket without an allowed user is refused at start") {
  Resident provider(std::nullopt);
  CHECK(provider.wait() == 1);
}
