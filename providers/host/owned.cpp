#include "providers/host/owned.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "providers/host/path.h"

namespace gitopsd::host {
namespace {

constexpr std::size_t kCheck = 16;

std::string check_of(std::string_view json) {
  return to_hex(sha256(json)).substr(0, kCheck);
}

std::string line_of(const Value& value) {
  std::string json = to_json(value);
  return check_of(json) + " " + json + "\n";
}

std::optional<Value> value_of(std::string_view line) {
  if (line.size() < kCheck + 3 || line[kCheck] != ' ' ||
      check_of(line.substr(kCheck + 1)) != line.substr(0, kCheck))
    return std::nullopt;
  return parse_json(line.substr(kCheck + 1));
}

Value owner_value(const protocol::Owner& owner) {
  return Value::object({{"installation", owner.installation}, {"application", owner.application}});
}

protocol::Owner owner_of(const Value& line) {
  const Value* owner = line.find("owner");
  if (!owner) return {};
  return {owner->get_string("installation"), owner->get_string("application")};
}

Value record_line(const char* op, const ResourceId& id, const OwnedList::Record& record) {
  Value line = Value::object({{"op", op},
                              {"id", id.str()},
                              {"owner", owner_value(record.owner)},
                              {"digest", record.digest},
                              {"receipt", record.receipt}});
  if (record.adopted) line.set("adopted", true);
  return line;
}

Value own_line(const ResourceId& id, const OwnedList::Record& record) {
  return record_line("own", id, record);
}

Value begin_line(const ResourceId& id, const OwnedList::Begun& begun) {
  Value line = record_line("begin", id, begun.record);
  line.set("prefix", begun.prefix);
  if (begun.removal) line.set("removal", true);
  return line;
}

OwnedList::Record record_of(const Value& line) {
  return {owner_of(line), line.get_string("digest"), line.get_string("receipt"), line.get_bool("adopted")};
}

Failure cannot(const std::string& what, const std::string& path) {
  return fail(ProblemCause::destination, "cannot " + what + " '" + path + "': " + errno_text(errno));
}

}  // namespace

OwnedList::OwnedList(const std::string& directory) : path_(directory + "/owned.log") {
  lock_ = Fd(::open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) throw cannot("open", directory + "/lock");
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
    throw fail(ProblemCause::transient, "another provider uses '" + directory + "'",
               "it ends soon if its daemon was stopped; give each destination a state directory of its own");
  load();
  compact_if_long();
}

void OwnedList::load() {
  log_ = Fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_) throw cannot("open", path_);
  // Line by line: however long it has grown, it does not stand in memory as a whole.
  std::ifstream in(path_, std::ios::binary);
  if (!in) throw cannot("open", path_);
  off_t good = 0;
  for (std::string line; std::getline(in, line) && !in.eof();) {
    auto value = value_of(line);
    if (!value && in.peek() == std::ifstream::traits_type::eof()) break;
    if (!value)
      throw fail(
          ProblemCause::destination, "'" + path_ + "' is damaged at line " + std::to_string(lines_ + 1),
          "restore it from a backup; or remove it, sync every application once so that what is there is "
          "adopted again, and delete by hand what is declared no more");
    apply(*value);
    ++lines_;
    good += static_cast<off_t>(line.size()) + 1;
  }
  if (in.bad()) throw cannot("read", path_);
  const off_t size = ::lseek(log_.get(), 0, SEEK_END);
  if (size < 0) throw cannot("read", path_);
  if (good == size) return;
  log::warning("dropped a line that a crash cut off", {{"file", path_}});
  if (::ftruncate(log_.get(), good) != 0) throw cannot("truncate", path_);
}

void OwnedList::apply(const Value& line) {
  const std::string op = line.get_string("op");
  const ResourceId id(line.get_string("id"));
  if (op == "begin") {
    begun_[id] = Begun{record_of(line), line.get_string("prefix"), line.get_bool("removal")};
    return;
  }
  begun_.erase(id);
  if (op == "own") records_[id] = record_of(line);
  if (op == "forget") records_.erase(id);
}

void OwnedList::append(const Value& value) {
  if (broken_)
    throw fail(ProblemCause::internal, "'" + path_ + "' could not be written before", "restart the provider");
  const std::string line = line_of(value);
  const off_t before = ::lseek(log_.get(), 0, SEEK_END);
  if (::write(log_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    const Failure failure = cannot("write", path_);
    // Half a line must not stand before the next one.
    broken_ = before < 0 || ::ftruncate(log_.get(), before) != 0;
    throw failure;
  }
  apply(value);
  ++lines_;
  ++written_;
  compact_if_long();
}

void OwnedList::begin(const ResourceId& id, const Begun& begun) {
  std::lock_guard lock(mutex_);
  append(begin_line(id, begun));
}

void OwnedList::own(const ResourceId& id, const Record& record) {
  std::lock_guard lock(mutex_);
  append(own_line(id, record));
}

void OwnedList::forget(const ResourceId& id) {
  std::lock_guard lock(mutex_);
  append(Value::object({{"op", "forget"}, {"id", id.str()}}));
}

void OwnedList::undo(const ResourceId& id) {
  std::lock_guard lock(mutex_);
  append(Value::object({{"op", "undo"}, {"id", id.str()}}));
}

void OwnedList::sync() {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = written_;
  while (synced_ < target) {
    if (broken_)
      throw fail(ProblemCause::internal, "'" + path_ + "' could not be synced", "restart the provider");
    if (syncing_) {
      synced_changed_.wait(lock);
      continue;
    }
    syncing_ = true;
    const std::uint64_t reaches = written_;
    lock.unlock();
    const bool done = ::fdatasync(log_.get()) == 0;
    lock.lock();
    syncing_ = false;
    if (done) synced_ = reaches;
    broken_ = broken_ || !done;
    compact_if_long();
    synced_changed_.notify_all();
  }
}

/// What has been appended stands in any case. Not while somebody syncs: the file would be closed under him.
void OwnedList::compact_if_long() {
  if (syncing_ || broken_ || lines_ <= compact_beyond_ || lines_ <= 4 * (records_.size() + begun_.size()))
    return;
  try {
    compact();
    compact_beyond_ = kCompactLines;
  } catch (const std::exception& e) {
    log::warning("a long list could not be compacted; it is used as it is",
                 {{"file", path_}, {"why", e.what()}});
    compact_beyond_ = lines_ + kCompactLines;
    broken_ = !in_place();
  }
}

void OwnedList::compact() {
  std::string text;
  for (const auto& [id, record] : records_) text += line_of(own_line(id, record));
  for (const auto& [id, begun] : begun_) text += line_of(begin_line(id, begun));
  write_file_atomically(path_, text);
  Fd log(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  if (!log) throw cannot("open", path_);
  log_ = std::move(log);
  lines_ = records_.size() + begun_.size();
  synced_ = written_;
}

/// Whether what is appended would be found at the next start.
bool OwnedList::in_place() const {
  struct stat ours {};
  struct stat named {};
  return ::fstat(log_.get(), &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

std::optional<OwnedList::Record> OwnedList::find(const ResourceId& id) const {
  std::lock_guard lock(mutex_);
  auto found = records_.find(id);
  return found == records_.end() ? std::nullopt : std::optional(found->second);
}

std::map<ResourceId, OwnedList::Record> OwnedList::all() const {
  std::lock_guard lock(mutex_);
  return records_;
}

std::map<ResourceId, OwnedList::Begun> OwnedList::all_begun() const {
  std::lock_guard lock(mutex_);
  return begun_;
}

std::vector<ResourceId> OwnedList::beneath(const std::string& folder) const {
  std::lock_guard lock(mutex_);
  std::vector<ResourceId> ids;
  const ResourceId first = id_of(folder + "/");
  for (auto it = records_.lower_bound(first);
       it != records_.end() && it->first.str().starts_with(first.str()); ++it)
    ids.push_back(it->first);
  return ids;
}

}  // namespace gitopsd::host
