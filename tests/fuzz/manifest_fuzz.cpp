// Any bytes as a manifest of a host: every document is resolved, or refused with problems that have a place;
// what is accepted keeps to the policy.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "base/yaml.h"
#include "providers/host/path.h"
#include "providers/host/verbs.h"

using namespace gitopsd;

namespace {

const std::string kAllowed = "/srv/demo";

std::vector<protocol::Document> documents_of(std::string_view bytes) {
  std::vector<protocol::Document> documents;
  try {
    for (auto& value : parse_yaml(bytes, "fuzz.yaml"))
      documents.push_back({std::to_string(documents.size()), std::move(value), {}});
  } catch (const Failure& failure) {
    for (const auto& problem : failure.problems())
      if (problem.file != "fuzz.yaml" || problem.message.empty()) std::abort();
  }
  return documents;
}

void check_problem(const protocol::WireProblem& problem, const std::vector<protocol::Document>& documents) {
  if (problem.message.empty() || problem.document.empty()) std::abort();
  const auto& document = documents.at(std::stoul(problem.document));
  if (!document.json.at_pointer(problem.pointer) && !problem.pointer.empty()) {
    // Only a member that is null has a pointer and no value.
    const auto slash = problem.pointer.rfind('/');
    if (!document.json.at_pointer(problem.pointer.substr(0, slash))) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  protocol::ResolveRequest request;
  request.documents = documents_of({reinterpret_cast<const char*>(data), size});
  request.policy = Value::object({{"paths", Value::array().push(kAllowed)}});
  const auto result = host::resolve(request);
  for (const auto& problem : result.problems) check_problem(problem, request.documents);
  std::set<std::string> bad;
  for (const auto& problem : result.problems) bad.insert(problem.document);
  for (const auto& resource : result.resources) {
    if (bad.contains(resource.document)) continue;
    const std::string path = host::path_of(resource.id);
    if (path != kAllowed && !host::is_beneath(path, kAllowed)) std::abort();
  }
  return 0;
}
