#include "tests/integration/powercut/vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <new>

#include "tests/integration/powercut/locks.h"

namespace gitopsd::powercut {

struct Vfs::State {
  sqlite3_vfs vfs{};
  std::string name;
  Disk* disk = nullptr;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Locks>> locks;
};

namespace {

using Shared = std::shared_ptr<File>;

/// SQLite allocates the bytes and knows only the base.
struct Handle {
  sqlite3_file base;
  Disk* disk;
  Shared file;
  std::shared_ptr<Locks> locks;
  bool wal;
};

Handle& handle(sqlite3_file* f) {
  return *reinterpret_cast<Handle*>(f);
}
std::size_t at(sqlite3_int64 n) {
  return static_cast<std::size_t>(n);
}

int code(Result result, int failure) {
  switch (result) {
    case Result::ok:
      return SQLITE_OK;
    case Result::full:
      return SQLITE_FULL;
    case Result::dead:
    case Result::failed:
      return failure;
  }
  return failure;
}

int close(sqlite3_file* f) {
  auto& h = handle(f);
  h.locks->leave(f);
  h.file.~Shared();
  h.locks.~shared_ptr<Locks>();
  return SQLITE_OK;
}

int read(sqlite3_file* f, void* into, int size, sqlite3_int64 offset) {
  auto& h = handle(f);
  std::size_t got = 0;
  auto* bytes = static_cast<char*>(into);
  const auto result = h.disk->read(*h.file, at(offset), bytes, at(size), got);
  if (result != Result::ok) return SQLITE_IOERR_READ;
  if (got == at(size)) return SQLITE_OK;
  std::memset(bytes + got, 0, at(size) - got);
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* f, const void* bytes, int size, sqlite3_int64 offset) {
  auto& h = handle(f);
  return code(h.disk->write(*h.file, at(offset), static_cast<const char*>(bytes), at(size)),
              SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* f, sqlite3_int64 size) {
  return code(handle(f).disk->truncate(*handle(f).file, at(size)), SQLITE_IOERR_TRUNCATE);
}

int sync(sqlite3_file* f, int) {
  return code(handle(f).disk->sync(*handle(f).file, handle(f).wal), SQLITE_IOERR_FSYNC);
}

int file_size(sqlite3_file* f, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(handle(f).disk->size(*handle(f).file));
  return SQLITE_OK;
}

int lock(sqlite3_file* f, int level) {
  return handle(f).locks->lock(f, level);
}
int unlock(sqlite3_file* f, int level) {
  return handle(f).locks->unlock(f, level);
}
int check_reserved(sqlite3_file* f, int* out) {
  *out = handle(f).locks->reserved();
  return SQLITE_OK;
}
int control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  return 4096;
}
int characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int shm_map(sqlite3_file* f, int index, int size, int extend, void volatile** out) {
  *out = handle(f).locks->region(index, size, extend != 0);
  return SQLITE_OK;
}
int shm_lock(sqlite3_file* f, int first, int count, int flags) {
  return handle(f).locks->lock_slots(f, first, count, (flags & SQLITE_SHM_EXCLUSIVE) != 0,
                                     (flags & SQLITE_SHM_LOCK) != 0);
}
void shm_barrier(sqlite3_file*) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
int shm_unmap(sqlite3_file*, int) {
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {
    2,         close,          read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_reserved, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,        nullptr};

int open(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  auto& s = *static_cast<Vfs::State*>(v->pAppData);
  f->pMethods = nullptr;
  const std::string path = name ? name : "(temporary)";
  const bool journal =
      (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
  Result result = Result::ok;
  auto file = s.disk->open(path, (flags & SQLITE_OPEN_CREATE) != 0, journal, result);
  if (!file) return SQLITE_CANTOPEN;
  auto* h = new (f) Handle{};
  h->disk = s.disk;
  h->file = std::move(file);
  h->wal = (flags & SQLITE_OPEN_WAL) != 0;
  {
    const std::lock_guard guard(s.mutex);
    auto& locks = s.locks[path];
    if (!locks) locks = std::make_shared<Locks>();
    h->locks = locks;
  }
  f->pMethods = &kMethods;
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* v, const char* name, int) {
  auto& disk = *static_cast<Vfs::State*>(v->pAppData)->disk;
  if (!disk.exists(name)) return SQLITE_IOERR_DELETE_NOENT;
  return code(disk.remove(name), SQLITE_IOERR_DELETE);
}

int access(sqlite3_vfs* v, const char* name, int, int* out) {
  *out = static_cast<Vfs::State*>(v->pAppData)->disk->exists(name);
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

sqlite3_vfs* real() {
  return sqlite3_vfs_find(nullptr);
}
int randomness(sqlite3_vfs*, int size, char* out) {
  return real()->xRandomness(real(), size, out);
}
int sleep(sqlite3_vfs*, int us) {
  return real()->xSleep(real(), us);
}
int current_time(sqlite3_vfs*, double* out) {
  return real()->xCurrentTime(real(), out);
}
int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

}  // namespace

Vfs::Vfs(Disk& disk) : state_(std::make_unique<State>()) {
  static std::atomic<int> count{0};
  state_->name = "powercut-" + std::to_string(++count);
  state_->disk = &disk;
  auto& v = state_->vfs;
  v.iVersion = 1;
  v.szOsFile = sizeof(Handle);
  v.mxPathname = 512;
  v.zName = state_->name.c_str();
  v.pAppData = state_.get();
  v.xOpen = open;
  v.xDelete = remove;
  v.xAccess = access;
  v.xFullPathname = full_path;
  v.xRandomness = randomness;
  v.xSleep = sleep;
  v.xCurrentTime = current_time;
  v.xGetLastError = last_error;
  sqlite3_vfs_register(&v, 0);
}

Vfs::~Vfs() {
  sqlite3_vfs_unregister(&state_->vfs);
}
const std::string& Vfs::name() const {
  return state_->name;
}

}  // namespace gitopsd::powercut
