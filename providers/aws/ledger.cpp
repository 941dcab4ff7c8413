#include "providers/aws/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/problem.h"

namespace gitopsd::aws {
namespace {

constexpr std::size_t kLargest = 256u << 20;
/// Beyond so many objects in news, the file is written anew once they are twice what there is.
constexpr std::size_t kFewNews = 2000;

/// `[key]` or `[key, digest, facts, owner, etag, size, at, opaque]`.
Value encode(const std::string& key, const std::optional<Known>& known) {
  Value out = Value::array().push(key);
  if (known)
    out.push(known->digest)
        .push(known->facts)
        .push(known->owner)
        .push(known->etag)
        .push(known->size)
        .push(known->at)
        .push(known->opaque);
  return out;
}

std::pair<std::string, std::optional<Known>> decode(const Value& value) {
  const auto& all = value.as_array();
  if (all.size() != 1 && all.size() != 8) throw fail(ProblemCause::internal, "a line that nobody wrote");
  if (all.size() == 1) return {all[0].as_string(), std::nullopt};
  return {all[0].as_string(),
          Known{all[1].as_string(), all[2].as_string(), all[3].as_string(), all[4].as_string(),
                static_cast<std::uint64_t>(all[5].as_int()), all[6].as_int(), all[7].as_bool()}};
}

std::string line_of(std::uint64_t at, const News& news) {
  Value list = Value::array();
  for (const auto& [key, known] : news) list.push(encode(key, known));
  return to_json(Value::object({{"at", at}, {"news", std::move(list)}})) + "\n";
}

[[noreturn]] void cannot_write(const std::string& path) {
  throw fail(ProblemCause::destination, "cannot write '" + path + "': " + errno_text(errno));
}

}  // namespace

Ledger::Ledger(std::string path) : path_(std::move(path)) {
  load();
}

void Ledger::load() {
  struct stat st {};
  if (path_.empty() || ::stat(path_.c_str(), &st) != 0) return;
  bool torn = false;
  try {
    const std::string text = read_file(path_, kLargest);
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = text.find('\n', begin);
      torn = end == text.npos;  // a crash in the midst of it: what it was about is `begun` before
      if (torn) break;
      const Value line = parse_json(std::string_view(text).substr(begin, end - begin));
      News news;
      for (const Value& each : line.get_array("news")) news.push_back(decode(each));
      take(news);
      at_ = static_cast<std::uint64_t>(line.get_int("at"));
      appended_ += news.size();
      begin = end + 1;
    }
  } catch (const Failure& failure) {
    log::warning("what is known of a bucket's content cannot be read, and is looked at anew",
                 {{"file", path_}, {"error", failure.what()}});
    objects_ = std::make_shared<KnownObjects>();
    at_ = 0;
    torn = true;
  }
  if (torn) rewrite();
}

void Ledger::take(const News& news) {
  if (objects_.use_count() > 1) objects_ = std::make_shared<KnownObjects>(*objects_);
  std::atomic_thread_fence(std::memory_order_acquire);  // behind the last read of who gave it back
  for (const auto& [key, known] : news) {
    if (known)
      objects_->insert_or_assign(key, *known);
    else
      objects_->erase(key);
  }
}

std::shared_ptr<const KnownObjects> Ledger::objects() const {
  const std::lock_guard lock(mutex_);
  return objects_;
}

std::uint64_t Ledger::at() const {
  const std::lock_guard lock(mutex_);
  return at_;
}

void Ledger::begin(const std::vector<std::string>& keys, const std::string& owner) {
  News news;
  for (const auto& key : keys) news.emplace_back(key, Known{{}, {}, owner, {}, 0, 0, false});
  const std::lock_guard lock(mutex_);
  append(news, true);
}

void Ledger::learn(const News& news) {
  if (news.empty()) return;
  const std::lock_guard lock(mutex_);
  append(news, false);
}

void Ledger::confirm(std::uint64_t then) {
  const std::lock_guard lock(mutex_);
  if (at_ >= then) return;
  at_ = then;
  append({}, false);
}

void Ledger::clear() {
  const std::lock_guard lock(mutex_);
  objects_ = std::make_shared<KnownObjects>();
  appended_ = 0;
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Ledger::append(const News& news, bool durable) {
  take(news);
  ++at_;
  appended_ += news.size();
  if (path_.empty()) return;
  if (appended_ > kFewNews && appended_ > 2 * objects_->size()) return rewrite();
  const Fd file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file) cannot_write(path_);
  const std::string line = line_of(at_, news);
  for (std::size_t sent = 0; sent < line.size();) {
    const auto count = ::write(file.get(), line.data() + sent, line.size() - sent);
    if (count < 0 && errno != EINTR) cannot_write(path_);
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  if (durable && ::fdatasync(file.get()) != 0) cannot_write(path_);
}

void Ledger::rewrite() {
  News all;
  for (const auto& [key, known] : *objects_) all.emplace_back(key, known);
  write_file_atomically(path_, line_of(at_, all));
  appended_ = all.size();
}

std::shared_ptr<Ledger> Ledgers::of(const ResourceId& id) {
  const std::lock_guard lock(mutex_);
  auto& ledger = open_[id];
  if (ledger) return ledger;
  if (!folder_.empty() && ::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) cannot_write(folder_);
  const std::string name = to_hex(sha256(id.str())).substr(0, 32) + ".jsonl";
  ledger = std::make_shared<Ledger>(folder_.empty() ? "" : folder_ + "/" + name);
  return ledger;
}

}  // namespace gitopsd::aws
