#include "daemon/sync/provider_calls.h"

#include "base/log.h"

namespace gitopsd::sync {

void ProviderCalls::on_request(std::string_view method, const Value& params,
                               const protocol::Peer::Handlers::Answer& answer,
                               const protocol::Peer::Handlers::Refuse& refuse) {
  if (method != "blob") return refuse(-32601, "unknown method " + std::string(method.substr(0, 64)));
  try {
    const auto request = protocol::decode_as<protocol::BlobRequest>(params);
    std::lock_guard lock(mutex);
    for (auto* source : blobs) {
      try {
        return answer(encode(source->read(request.digest, request.offset, request.length)));
      } catch (const Failure& failure) {
        if (failure.cause() != ProblemCause::internal) return refuse(-32000, failure.what());
      }
    }
    refuse(-32602, "no open call names that blob");
  } catch (const Failure& failure) {
    refuse(-32602, failure.what());
  }
}

void ProviderCalls::on_notification(std::string_view method, const Value& params,
                                    const Provider::Events& events) {
  if (method == "progress") {
    on_progress(params);
  } else if (method == "changed") {
    events.changed(protocol::decode_as<protocol::Changed>(params));
  } else if (method == "context") {
    const auto now = protocol::decode_as<protocol::ContextChanged>(params);
    {
      std::lock_guard lock(mutex);
      context = now;
    }
    events.context(now.render_context_digest);
  } else if (method == "condition") {
    conditions->take(protocol::decode_as<protocol::Condition>(params), system_clock().wall());
    events.condition();
  } else if (method == "identity") {
    on_identity(protocol::decode_as<protocol::Identified>(params).identity, events);
  }
}

void ProviderCalls::on_progress(const Value& params) {
  const auto message = protocol::decode_as<protocol::Progress>(params);
  std::function<void(const protocol::Progress&)> sink;
  {
    std::lock_guard lock(mutex);
    if (auto it = progress.find(message.sync); it != progress.end()) sink = it->second;
  }
  if (sink) sink(message);
}

/// Nothing may be done at a destination of which it is not known whether it is the one that is meant.
void ProviderCalls::on_identity(const std::string& told, const Provider::Events& events) {
  try {
    identified(told, events);
  } catch (const std::exception& failure) {
    log::error("cannot tell whether a destination is the one that it was; connecting anew",
               {{"error", failure.what()}});
    dead = true;
  }
  events.condition();
}

void ProviderCalls::identified(const std::string& told, const Provider::Events& events) {
  if (told.size() > protocol::kMaxIdentity)
    throw fail(ProblemCause::destination, "the provider tells an identity of " + std::to_string(told.size()) +
                                              " bytes; it has at most " +
                                              std::to_string(protocol::kMaxIdentity));
  auto judged = events.judge ? events.judge(told) : std::nullopt;
  protocol::Condition said{kAnother};
  if (judged) {
    said = *judged;
    said.key = kAnother;
    said.unreachable = true;
  }
  conditions->take(std::move(said), system_clock().wall());
  std::lock_guard lock(mutex);
  identity = told;
  another = std::move(judged);
}

bool ProviderCalls::is_another() {
  std::lock_guard lock(mutex);
  return another.has_value();
}

std::string ProviderCalls::end_text() {
  std::lock_guard lock(mutex);
  return fate.empty() ? kEnded : "it " + fate;
}

void ProviderCalls::expect_meant(const DestinationName& name) {
  std::lock_guard lock(mutex);
  if (another)
    throw fail(ProblemCause::transient, "destination " + name.str() + ": " + another->message, another->hint);
}

}  // namespace gitopsd::sync
