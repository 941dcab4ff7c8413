// Any bytes as what AWS answers, as its shared files and as declarations of stacks: each is read, or refused
// with problems that say what is wrong where.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/yaml.h"
#include "providers/aws/credential_answer.h"
#include "providers/aws/shared_config.h"
#include "providers/aws/verbs.h"
#include "providers/aws/xml.h"

using namespace gitopsd;

namespace {

template <class Read>
void read_or_refuse(const Read& read) {
  try {
    read();
  } catch (const Failure& failure) {
    for (const auto& problem : failure.problems())
      if (problem.message.empty()) std::abort();
  }
}

struct NoBlobs : protocol::BlobReader {
  void copy(const protocol::Blob&, const Sink&) override {
    throw fail(ProblemCause::internal, "nothing was sent");
  }
};

void resolve_all(std::string_view text) {
  protocol::ResolveRequest request;
  for (auto& value : parse_yaml(text, "fuzz.yaml"))
    request.documents.push_back({std::to_string(request.documents.size()), std::move(value), {}});
  request.policy = Value::object({{"stacks", Value::array().push("web-*")}});
  NoBlobs blobs;
  const auto result = aws::resolve({.region = "eu-central-1", .account = "123456789012"}, request, blobs);
  for (const auto& problem : result.problems)
    if (problem.message.empty() || problem.document.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_or_refuse([&] { aws::read_answer(text, "DescribeStacks"); });
  read_or_refuse([&] { aws::read_error(text); });
  read_or_refuse([&] { aws::read_credentials(text, "fuzz"); });
  for (const auto kind : {aws::SharedFile::config, aws::SharedFile::credentials})
    read_or_refuse([&] {
      aws::SharedConfig into;
      aws::read_shared_file(text, kind, "fuzz", into);
    });
  read_or_refuse([&] { resolve_all(text); });
  return 0;
}
