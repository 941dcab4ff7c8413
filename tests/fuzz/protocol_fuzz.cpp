// Any bytes as a provider's stream: frames come out the same however the bytes are cut, and each is decoded
// as every message or refused with a Failure; what was decoded survives encoding.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "providers/protocol/framing.h"
#include "providers/protocol/messages.h"

using namespace gitopsd;
using namespace gitopsd::protocol;

namespace {

struct Frames {
  std::vector<std::string> payloads;
  bool lost = false;
};

Frames frames_of(std::string_view bytes, std::size_t piece) {
  Frames out;
  FrameReader reader;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.feed(bytes.substr(at, piece));
      while (auto payload = reader.next()) out.payloads.push_back(std::move(*payload));
    }
  } catch (const Failure& failure) {
    if (failure.cause() != ProblemCause::destination) std::abort();
    out.lost = true;
  }
  return out;
}

template <class T>
void try_as(const Value& value) {
  std::string once;
  try {
    once = to_json(encode(decode_as<T>(value)));
  } catch (const Failure& failure) {
    if (failure.cause() != ProblemCause::input || failure.problems().front().message.empty()) std::abort();
    return;
  }
  if (to_json(encode(decode_as<T>(parse_json(once)))) != once) std::abort();
}

void try_all(const Value& value) {
  try_as<InitializeRequest>(value);
  try_as<InitializeResult>(value);
  try_as<ResolveRequest>(value);
  try_as<ResolveResult>(value);
  try_as<PlanRequest>(value);
  try_as<PlanResult>(value);
  try_as<ApplyRequest>(value);
  try_as<ApplyResult>(value);
  try_as<ObserveRequest>(value);
  try_as<ObserveResult>(value);
  try_as<ListResult>(value);
  try_as<Progress>(value);
  try_as<Changed>(value);
  try_as<BlobRequest>(value);
  try_as<BlobChunk>(value);
  try_as<Step>(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Frames whole = frames_of(bytes, size + 1);
  for (std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
    const Frames cut = frames_of(bytes, piece);
    if (cut.lost != whole.lost || cut.payloads != whole.payloads) std::abort();
  }
  for (const auto& payload : whole.payloads) {
    if (frames_of(frame(payload), 3).payloads != std::vector{payload}) std::abort();
    try {
      const Value message = parse_json(payload);
      try_all(message);
      if (const Value* params = message.find("params")) try_all(*params);
      if (const Value* result = message.find("result")) try_all(*result);
    } catch (const Failure& failure) {
      if (failure.cause() != ProblemCause::input) std::abort();
    }
  }
  return 0;
}
