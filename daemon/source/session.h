// The conversation with a remote that is kept between operations: its connection, and what its server can do.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "daemon/source/upload_pack.h"

namespace gitopsd::source {

class Sessions {
 public:
  /// Runs `work` with a session for the remote's address: the kept one where there is one. When that fails in
  /// a way that its age may explain, once more with a new one: `work` may be called twice. `connected` keeps
  /// the connection too.
  template <class Work>
  auto use(const Operation& operation, const Address& address, bool connected, const Work& work) {
    if (auto kept = take(operation.remote())) {
      try {
        return run(operation, std::move(kept), connected, work);
      } catch (const Failure& failure) {
        if (failure.cause() == ProblemCause::permission) throw;
        operation.check("asking again");
      }
    }
    return run(operation, std::make_unique<UploadPack>(open_service(address)), connected, work);
  }

 private:
  template <class Work>
  auto run(const Operation& operation, std::unique_ptr<UploadPack> session, bool connected,
           const Work& work) {
    auto result = work(*session);
    session->finish(operation);
    if (!connected) session->hang_up();
    keep(operation.remote(), std::move(session));
    return result;
  }

  std::unique_ptr<UploadPack> take(const Remote&);
  void keep(const Remote&, std::unique_ptr<UploadPack>);

  std::mutex mutex_;
  std::unique_ptr<UploadPack> session_;
  std::string for_;  ///< what the session depends on
  Deadline began_{};
};

}  // namespace gitopsd::source
