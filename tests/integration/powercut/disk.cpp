#include "tests/integration/powercut/disk.h"

#include <algorithm>

namespace gitopsd::powercut {
namespace {

constexpr std::size_t kSector = 512;

void replay(std::string& content, const Operation& operation) {
  if (const auto* t = std::get_if<Truncate>(&operation)) {
    content.resize(t->size);
    return;
  }
  const auto& w = std::get<Write>(operation);
  if (content.size() < w.offset + w.bytes.size()) content.resize(w.offset + w.bytes.size());
  content.replace(w.offset, w.bytes.size(), w.bytes);
}

}  // namespace

Disk::Disk(Faults faults, Image image) : faults_(faults), random_(faults.seed) {
  for (auto& [name, content] : image) {
    auto file = std::make_shared<File>();
    file->now = file->durable = content;
    names_[name] = durable_names_[name] = file;
  }
}

Result Disk::step() {
  if (dead_) return Result::dead;
  if (++operations_ != faults_.cut_at) return Result::ok;
  take_cut();
  return Result::dead;
}

std::shared_ptr<File> Disk::open(const std::string& name, bool create, bool sync_directory, Result& result) {
  const std::lock_guard lock(mutex_);
  result = dead_ ? Result::dead : Result::ok;
  if (dead_) return nullptr;
  if (const auto known = names_.find(name); known != names_.end()) return known->second;
  if (!create) {
    result = Result::failed;
    return nullptr;
  }
  result = step();
  if (result != Result::ok) return nullptr;
  auto file = std::make_shared<File>();
  file->sync_directory = sync_directory;
  names_[name] = file;
  unsynced_names_.push_back({name, file});
  return file;
}

bool Disk::exists(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return names_.count(name) > 0;
}

Result Disk::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (auto result = step(); result != Result::ok) return result;
  names_.erase(name);
  unsynced_names_.push_back({name, nullptr});
  return Result::ok;
}

Result Disk::read(File& file, std::size_t offset, char* into, std::size_t size, std::size_t& got) {
  const std::lock_guard lock(mutex_);
  if (dead_) return Result::dead;
  got = offset < file.now.size() ? std::min(size, file.now.size() - offset) : 0;
  file.now.copy(into, got, std::min(offset, file.now.size()));
  return Result::ok;
}

Result Disk::write(File& file, std::size_t offset, const char* bytes, std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (auto result = step(); result != Result::ok) return result;
  ++writes_;
  if (faults_.fail_write_at && writes_ >= faults_.fail_write_at) return Result::failed;
  if (faults_.capacity && offset + size > file.now.size() &&
      used() + offset + size - file.now.size() > faults_.capacity) {
    return Result::full;
  }
  file.unsynced.push_back(Write{offset, std::string(bytes, size)});
  replay(file.now, file.unsynced.back());
  return Result::ok;
}

Result Disk::truncate(File& file, std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (auto result = step(); result != Result::ok) return result;
  file.unsynced.push_back(Truncate{size});
  replay(file.now, file.unsynced.back());
  return Result::ok;
}

Result Disk::sync(File& file, bool wal) {
  const std::lock_guard lock(mutex_);
  if (auto result = step(); result != Result::ok) return result;
  if (faults_.ignore_syncs || (wal && faults_.ignore_wal_syncs)) return Result::ok;
  ++syncs_;
  if (faults_.fail_sync_at && syncs_ >= faults_.fail_sync_at) {
    file.unsynced.clear();
    return Result::failed;
  }
  for (const auto& operation : file.unsynced) replay(file.durable, operation);
  file.unsynced.clear();
  if (file.sync_directory) {
    durable_names_ = names_;
    unsynced_names_.clear();
    file.sync_directory = false;
  }
  return Result::ok;
}

std::size_t Disk::size(File& file) {
  const std::lock_guard lock(mutex_);
  return file.now.size();
}

long Disk::operations() {
  const std::lock_guard lock(mutex_);
  return operations_;
}

bool Disk::cut() {
  const std::lock_guard lock(mutex_);
  return dead_;
}

void Disk::set_capacity(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  faults_.capacity = bytes;
}

Image Disk::after_cut() {
  const std::lock_guard lock(mutex_);
  if (!dead_) take_cut();
  return image_;
}

void Disk::take_cut() {
  dead_ = true;
  auto names = durable_names_;
  for (const auto& entry : unsynced_names_) {
    if (random_() % 2 == 0) continue;
    if (entry.file) {
      names[entry.name] = entry.file;
    } else {
      names.erase(entry.name);
    }
  }
  for (const auto& [name, file] : names) image_[name] = survivor(*file);
}

std::string Disk::survivor(const File& file) {
  std::string content = file.durable;
  // A third of the cuts lose all, a third keep all but a torn last one, a third keep any subset.
  const auto mood = random_() % 3;
  if (mood == 0) return content;
  for (std::size_t i = 0; i < file.unsynced.size(); ++i) {
    const bool last = i + 1 == file.unsynced.size();
    const auto fate = mood == 1 ? (last ? 2 : 1) : random_() % 3;
    if (fate == 1) replay(content, file.unsynced[i]);
    if (fate == 2) apply_torn(content, file.unsynced[i]);
  }
  return content;
}

void Disk::apply_torn(std::string& content, const Operation& operation) {
  const auto* w = std::get_if<Write>(&operation);
  if (!w) return;
  for (std::size_t at = 0; at < w->bytes.size();) {
    const std::size_t to_boundary = kSector - (w->offset + at) % kSector;
    Write part{w->offset + at, w->bytes.substr(at, to_boundary)};
    at += part.bytes.size();
    const auto fate = random_() % 4;
    if (fate == 0) continue;
    if (fate == 1) {
      for (char& c : part.bytes) c = static_cast<char>(random_());
    }
    replay(content, part);
  }
}

std::size_t Disk::used() const {
  std::size_t out = 0;
  for (const auto& [name, file] : names_) out += file->now.size();
  return out;
}

}  // namespace gitopsd::powercut
