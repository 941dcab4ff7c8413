#include "daemon/source/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "daemon/source/object.h"
#include "daemon/source/refs.h"
#include "daemon/source/walk.h"

namespace gitopsd::source {

namespace {

namespace fs = std::filesystem;

constexpr off_t kHashBytes = 20;
using Word = std::array<char, 4>;
using Hash = std::array<char, kHashBytes>;

template <class Bytes>
bool read_at(int fd, Bytes& out, off_t at) {
  return at >= 0 && pread(fd, out.data(), out.size(), at) == static_cast<ssize_t>(out.size());
}

/// A pack and its index belong together: same count, same checksum at their ends.
bool pack_fits_index(const std::string& stem) {
  const Fd pack(open((stem + ".pack").c_str(), O_RDONLY | O_CLOEXEC));
  const Fd index(open((stem + ".idx").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat pack_stat {};
  struct stat index_stat {};
  if (!pack || !index || fstat(pack.get(), &pack_stat) != 0 || fstat(index.get(), &index_stat) != 0)
    return false;
  Word magic, count, last_fanout;
  Hash pack_end, index_end;
  constexpr off_t fanout_end = 8 + 256 * 4;
  return read_at(pack.get(), magic, 0) && std::string_view(magic.data(), 4) == "PACK" &&
         read_at(pack.get(), count, 8) && read_at(index.get(), last_fanout, fanout_end - 4) &&
         count == last_fanout && read_at(pack.get(), pack_end, pack_stat.st_size - kHashBytes) &&
         read_at(index.get(), index_end, index_stat.st_size - 2 * kHashBytes) && pack_end == index_end;
}

std::vector<fs::path> entries(const std::string& depot_path) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(depot_path + "/objects/pack", error))
    out.push_back(entry.path());
  return out;
}

}  // namespace

std::vector<PackFile> pack_files(const std::string& depot_path) {
  std::vector<PackFile> out;
  for (const fs::path& path : entries(depot_path)) {
    if (path.extension() != ".pack") continue;
    std::error_code error;
    const auto bytes = fs::file_size(path, error);
    if (!error) out.push_back({path.parent_path() / path.stem(), bytes});
  }
  std::sort(out.begin(), out.end(), [](const PackFile& a, const PackFile& b) { return a.bytes < b.bytes; });
  return out;
}

void remove_leftovers(const std::string& depot_path) {
  for (const fs::path& path : entries(depot_path)) {
    const bool whole = path.extension() == ".pack" || path.extension() == ".idx";
    std::error_code error;
    if (!whole) fs::remove(path, error);
  }
  // A process that was killed leaves its lock files, and libgit2 waits for nobody: the store's own lock says
  // that no other daemon is at work here.
  std::error_code error;
  std::vector<fs::path> locks;
  for (fs::recursive_directory_iterator it(depot_path, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".lock" && it->is_regular_file(error)) locks.push_back(it->path());
  }
  for (const auto& lock : locks) fs::remove(lock, error);
}

std::string find_damage(Depot& depot) {
  for (const PackFile& pack : pack_files(depot.path()))
    if (!pack_fits_index(pack.stem)) return pack.stem + ".pack does not fit its index";
  try {
    const auto lease = depot.lease();
    std::set<CommitId> seen;
    for (const LocalRef& ref : local_refs(lease, kAllRefs)) {
      if (!seen.insert(ref.id).second) continue;
      const auto commit = peel_to_commit(depot, lease, ref.id);
      if (!commit) return ref.name + " leads to no commit";
      const GitObject object = read_object(depot, lease, *commit, GIT_OBJECT_COMMIT, kCommitBytes, ref.name);
      const auto text = parse_commit(bytes_of(object));
      if (!text) return ref.name + " leads to no commit";
      read_object(depot, lease, text->tree, GIT_OBJECT_TREE, kTreeBytes, ref.name);
    }
  } catch (const Failure& failure) {
    return failure.what();
  }
  return {};
}

}  // namespace gitopsd::source
