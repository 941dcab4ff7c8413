#include "daemon/source/shelf.h"

#include <charconv>
#include <filesystem>
#include <vector>

#include "base/log.h"
#include "daemon/source/check.h"

namespace gitopsd::source {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".git";
constexpr const char* kPartial = "/next.partial";
constexpr std::string_view kAside = "damaged-";

Failure cannot(const std::string& directory, const std::exception& error) {
  return fail(
      ProblemCause::internal, "mirror " + directory + ": " + error.what(),
      "is it ours to write, and is there room on the disk? It holds nothing that cannot be fetched again");
}

/// The number of "NUMBER.git", or 0.
int number_of(const std::string& name) {
  int out = 0;
  if (!name.ends_with(kSuffix)) return 0;
  const char* const end = name.data() + name.size() - kSuffix.size();
  const auto [stop, error] = std::from_chars(name.data(), end, out);
  return error == std::errc() && stop == end ? out : 0;
}

void make_repository(const std::string& path) {
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  options.mode = 0700;
  git_repository* raw = nullptr;
  if (git_repository_init_ext(&raw, path.c_str(), &options) != 0)
    throw git_failure(ProblemCause::internal, "mirror " + path, "cannot be made");
  const GitRepository repository(raw);
  git_config* config = nullptr;
  if (git_repository_config(&config, raw) != 0)
    throw git_failure(ProblemCause::internal, "mirror " + path, "has no configuration");
  const std::unique_ptr<git_config, Free<git_config_free>> owner(config);
  // Bounds for the pack builder, which by default takes what it likes.
  git_config_set_int64(config, "pack.windowMemory", 32 << 20);
  git_config_set_int64(config, "pack.deltaCacheSize", 16 << 20);
}

/// What libgit2 needs to see a repository at all.
std::string missing_files(const std::string& path) {
  for (const char* const name : {"/HEAD", "/config", "/objects", "/refs"})
    if (std::error_code error; !fs::exists(path + name, error)) return path + name + " is missing";
  return {};
}

}  // namespace

Shelf::Shelf(std::string directory) : directory_(std::move(directory)) {
  start_library();
  try {
    fs::create_directories(directory_);
    fs::permissions(directory_, fs::perms::owner_all);
    fs::remove_all(directory_ + kPartial);
    std::vector<int> numbers;
    for (const auto& entry : fs::directory_iterator(directory_))
      if (const int number = number_of(entry.path().filename()); number > 0) numbers.push_back(number);
    for (const int number : numbers) number_ = std::max(number_, number);
    for (const int number : numbers)
      if (number != number_) fs::remove_all(path(number));
  } catch (const fs::filesystem_error& error) {
    throw cannot(directory_, error);
  }
}

std::string Shelf::path(int number) const {
  return directory_ + "/" + std::to_string(number) + std::string(kSuffix);
}

std::shared_ptr<Depot> Shelf::open() {
  if (number_ == 0) make_repository(path(++number_));
  auto depot = std::make_shared<Depot>(path(number_));
  remove_leftovers(depot->path());
  std::string damage = missing_files(depot->path());
  // Made once more, so that what is still there can be read until a successor is whole.
  if (!damage.empty()) make_repository(depot->path());
  if (damage.empty()) damage = find_damage(*depot);
  if (!damage.empty()) {
    depot->mark_damaged();
    log::warning("a mirror is damaged and is cloned anew by the next fetch",
                 {{"mirror", depot->path()}, {"damage", damage}});
  }
  return depot;
}

std::shared_ptr<Depot> Shelf::begin_next() {
  const std::string partial = directory_ + kPartial;
  try {
    fs::remove_all(partial);
  } catch (const fs::filesystem_error& error) {
    throw cannot(directory_, error);
  }
  make_repository(partial);
  return std::make_shared<Depot>(partial);
}

std::shared_ptr<Depot> Shelf::finish_next(const std::shared_ptr<Depot>& next) {
  next->renew_handles();
  try {
    fs::rename(next->path(), path(number_ + 1));
    for (const auto& entry : fs::directory_iterator(directory_))
      if (entry.path().filename().string().starts_with(kAside)) fs::remove_all(entry.path());
    std::error_code error;
    fs::rename(path(number_),
               directory_ + "/" + std::string(kAside) + std::to_string(number_) + std::string(kSuffix),
               error);
  } catch (const fs::filesystem_error& error) {
    throw cannot(directory_, error);
  }
  return std::make_shared<Depot>(path(++number_));
}

}  // namespace gitopsd::source
