#include "providers/kubernetes/rotated_file.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

/// client-go's rule: half of the time between kubelet's renewal of a token and the old one's end.
constexpr auto kReadAgain = std::chrono::seconds(60);
constexpr std::size_t kRotatedBytes = 1u << 20;

}  // namespace

bool FileMark::operator==(const FileMark& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

FileMark FileMark::of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_ctim};
}

void RotatedFile::warn_once(const std::string& what) {
  if (what == warned_) return;
  warned_ = what;
  log::warning("credentials stay as they were: " + what);
}

const Secret& RotatedFile::read(Monotonic::time_point now, bool afresh) {
  const FileMark seen = FileMark::of(path_);  // before reading: what changes meanwhile is seen the next time
  if (good_ && !afresh && seen == mark_ && now - read_at_ < kReadAgain) return content_;
  std::string fault;
  try {
    Secret content(read_file(path_, kRotatedBytes));
    fault = check_(content.reveal());
    if (fault.empty()) {
      content_ = std::move(content);
      good_ = true;
      warned_.clear();
    } else {
      fault = path_ + " " + fault;
    }
  } catch (const Failure& failure) {
    fault = failure.problems().front().message;
  }
  if (!good_) throw fail(ProblemCause::transient, fault);
  if (!fault.empty()) warn_once(fault);
  mark_ = seen;
  read_at_ = now;
  return content_;
}

}  // namespace gitopsd::kubernetes
