#include "providers/aws/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>

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

/// What a ledger's file says it is of, without touching it: somebody may be writing to it.
std::string content_in(const std::string& path) {
  try {
    const std::string text = read_file(path, kLargest);
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
      const auto line = std::string_view(text).substr(begin, end - begin);
      if (line.find("\"content\"") == line.npos) continue;
      if (std::string content = parse_json(line).get_string("content"); !content.empty()) return content;
    }
  } catch (const Failure&) {
    return {};  // told by whoever loads it
  }
  return {};
}

[[noreturn]] void cannot_write(const std::string& path) {
  throw fail(ProblemCause::destination, "cannot write '" + path + "': " + errno_text(errno));
}

}  // namespace

Ledger::Ledger(std::string path, std::string content) : path_(std::move(path)), content_(std::move(content)) {
  load();
}

std::string Ledger::owner() const {
  const std::lock_guard lock(mutex_);
  if (!owner_.empty() || objects_->empty()) return owner_;
  const std::string& first = objects_->begin()->second.owner;
  const bool all = std::all_of(objects_->begin(), objects_->end(),
                               [&](const auto& object) { return object.second.owner == first; });
  return all ? first : std::string();
}

std::string Ledger::line(const News& news) const {
  Value list = Value::array();
  for (const auto& [key, known] : news) list.push(encode(key, known));
  Value out = Value::object({{"at", at_}, {"news", std::move(list)}});
  if (!named_) out.set("content", content_).set("owner", owner_);
  return to_json(out) + "\n";
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
      if (line.find("content")) {
        owner_ = line.get_string("owner");
        named_ = true;
      }
      begin = end + 1;
    }
  } catch (const Failure& failure) {
    log::warning("what is known of a bucket's content cannot be read, and is looked at anew",
                 {{"file", path_}, {"error", failure.what()}});
    objects_ = std::make_shared<KnownObjects>();
    at_ = 0;
    named_ = false;
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
  if (owner_ != owner) named_ = false;
  owner_ = owner;
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
  named_ = false;
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
  const std::string text = line(news);
  const off_t before = ::lseek(file.get(), 0, SEEK_END);
  for (std::size_t sent = 0; sent < text.size();) {
    const auto count = ::write(file.get(), text.data() + sent, text.size() - sent);
    if (count < 0 && errno != EINTR) {
      const int why = errno;
      // Half a line would spoil all of it. Where even that does not work, the bucket is asked anew.
      if (before < 0 || ::ftruncate(file.get(), before) != 0) ::unlink(path_.c_str());
      errno = why;
      cannot_write(path_);
    }
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  if (durable && ::fdatasync(file.get()) != 0) cannot_write(path_);
  named_ = true;
}

void Ledger::rewrite() {
  News all;
  for (const auto& [key, known] : *objects_) all.emplace_back(key, known);
  named_ = false;
  write_file_atomically(path_, line(all));
  named_ = true;
  appended_ = all.size();
}

std::shared_ptr<Ledger> Ledgers::of(const ResourceId& id) {
  const std::lock_guard lock(mutex_);
  auto& ledger = open_[id];
  if (ledger) return ledger;
  if (!folder_.empty() && ::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) cannot_write(folder_);
  const std::string name = to_hex(sha256(id.str())).substr(0, 32) + ".jsonl";
  ledger = std::make_shared<Ledger>(folder_.empty() ? "" : folder_ + "/" + name, id.str());
  return ledger;
}

std::map<ResourceId, std::shared_ptr<Ledger>> Ledgers::all() {
  std::map<ResourceId, std::shared_ptr<Ledger>> out;
  std::error_code none;
  if (!folder_.empty())
    for (const auto& file : std::filesystem::directory_iterator(folder_, none)) {
      if (file.path().extension() != ".jsonl") continue;
      if (const std::string id = content_in(file.path()); !id.empty())
        out.emplace(ResourceId(id), of(ResourceId(id)));
    }
  return out;
}

}  // namespace gitopsd::aws
