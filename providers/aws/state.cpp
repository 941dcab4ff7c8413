#include "providers/aws/state.h"

#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

namespace gitopsd::aws {

UsedRegions::UsedRegions(std::string path) : path_(std::move(path)), regions_{""} {
  std::error_code none;
  if (!std::filesystem::exists(path_, none)) return;
  try {
    for (const Value& region : parse_json(read_file(path_), path_).as_array())
      regions_.insert(region.as_string());
  } catch (const Failure& failure) {
    log::warning("which regions have stacks cannot be read, and is learned again",
                 {{"file", path_}, {"error", failure.what()}});
  }
}

void UsedRegions::add(const std::string& region) {
  const std::lock_guard lock(mutex_);
  if (!regions_.insert(region).second) return;
  Value all = Value::array();
  for (const auto& one : regions_) all.push(one);
  write_file_atomically(path_, to_json(all));
}

std::vector<std::string> UsedRegions::all() const {
  const std::lock_guard lock(mutex_);
  return {regions_.begin(), regions_.end()};
}

std::string State::identity() const {
  return client.settings().account + "/" + client.settings().region;
}

void State::check_account(const Cancelled& cancelled) {
  if (!meant_.empty() && meant_ != identity())
    throw fail(
        ProblemCause::transient,
        "this is " + identity() + ", and " + meant_ + " is meant: nothing is done here",
        "put back the settings of the destination, or accept the other one by gitopsctl destination accept");
  const std::string key = client.access_key_id();
  {
    const std::lock_guard lock(mutex_);
    if (checked_ == key) return;
  }
  const Value identity = client.call(kSts, "GetCallerIdentity", {}, cancelled);
  const std::string account = identity.get_string("Account");
  if (account != client.settings().account)
    throw fail(ProblemCause::destination,
               "the credentials are of account " + account + ", and the destination is " +
                   client.settings().account + " (" + identity.get_string("Arn") + ")",
               "correct the credentials, or `account` of the destination");
  const std::lock_guard lock(mutex_);
  checked_ = key;
}

CloudFormation& State::cloudformation(const std::string& region) {
  const std::lock_guard lock(mutex_);
  auto& found = regions_[region];
  if (!found) {
    found = std::make_unique<CloudFormation>(client, region);
    used_regions_.add(region);
  }
  return *found;
}

bool State::is_another(const Taken& taken, const LookAtStack& look) const {
  OutputValues values;
  for (const auto& [place, names] : taken.outputs) {
    const auto source = look(place);
    if (!source || phase_of(source->status) == StackPhase::busy) return false;
    for (const auto& name : names) {
      const auto found = source->outputs.find(name);
      if (found == source->outputs.end()) return false;
      values[place][name] = found->second;
    }
  }
  return !values.empty() && digests.of_outputs(values) != taken.digest;
}

std::optional<Receipt> FirstLooks::receipt(const std::string& text) const {
  auto out = Receipt::parse(text);
  if (!out || !out->updated.empty()) return out;
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(out->stack);
  return found != seen_.end() && found->second.first == text ? found->second.second : out;
}

void FirstLooks::add(const std::string& text, const Receipt& completed) {
  const std::lock_guard lock(mutex_);
  seen_.insert_or_assign(completed.stack, std::pair(text, completed));
}

}  // namespace gitopsd::aws
