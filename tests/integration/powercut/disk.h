// A disk that forgets: what was not synced is lost in part, in whole, or torn, when the power goes.
//
// Model: each file has what is durable and the writes since its last sync; the directory likewise. A cut
// keeps a seeded choice of those: any subset, and of a write any subset of its 512-byte sectors, others left
// as they were or filled with garbage (within the write: SQLite relies on powersafe overwrite, as ext4 and
// XFS give it).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <variant>
#include <vector>

namespace gitopsd::powercut {

struct Write {
  std::size_t offset;
  std::string bytes;
};
struct Truncate {
  std::size_t size;
};
using Operation = std::variant<Write, Truncate>;

struct File {
  std::string now, durable;
  std::vector<Operation> unsynced;
  bool sync_directory =
      false;  ///< the first sync makes the directory durable as well (SQLite's unix VFS does so)
};

using Image = std::map<std::string, std::string>;

struct Faults {
  std::uint64_t seed = 1;
  long cut_at = 0;  ///< the write, truncate, sync, create or delete that the power cut hits; 0: none
  bool ignore_syncs = false;  ///< what PRAGMA synchronous=OFF would do: the tests must notice
  bool ignore_wal_syncs = false;
  long fail_sync_at = 0;   ///< this one and later syncs fail, and as on Linux the pages count as clean: lost
  long fail_write_at = 0;  ///< this one and later writes fail
  std::size_t capacity = 0;  ///< bytes of all files; 0: no bound
};

enum class Result { ok, dead, failed, full };

class Disk {
 public:
  explicit Disk(Faults faults, Image image = {});

  std::shared_ptr<File> open(const std::string& name, bool create, bool sync_directory, Result& result);
  bool exists(const std::string& name);
  Result remove(const std::string& name);
  Result read(File& file, std::size_t offset, char* into, std::size_t size, std::size_t& got);
  Result write(File& file, std::size_t offset, const char* bytes, std::size_t size);
  Result truncate(File& file, std::size_t size);
  Result sync(File& file, bool wal);
  std::size_t size(File& file);

  /// Operations that a cut could hit, so far.
  long operations();
  bool cut();
  void set_capacity(std::size_t bytes);
  /// What is on the disk after the cut; cuts now if none has been.
  Image after_cut();

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<File> file;  ///< null: removed
  };
  Result step();
  void take_cut();
  std::string survivor(const File& file);
  void apply_torn(std::string& content, const Operation& operation);
  std::size_t used() const;

  std::mutex mutex_;
  Faults faults_;
  std::mt19937_64 random_;
  std::map<std::string, std::shared_ptr<File>> names_, durable_names_;
  std::vector<Entry> unsynced_names_;
  long operations_ = 0, writes_ = 0, syncs_ = 0;
  bool dead_ = false;
  Image image_;
};

}  // namespace gitopsd::powercut
