#include "providers/aws/zip_archive.h"

#include <zip.h>

#include <memory>

#include "base/problem.h"

namespace gitopsd::aws {
namespace {

constexpr zip_uint16_t kFirstDay = (1 << 5) | 1;  // 1980-01-01 in the format of MS-DOS
constexpr zip_uint32_t kMode = 0100755u << 16;    // as Unix has it in the upper half

struct Discard {
  void operator()(zip_t* archive) const { ::zip_discard(archive); }
  void operator()(zip_source_t* source) const { ::zip_source_free(source); }
};

Failure broken(zip_t* archive) {
  return fail(ProblemCause::internal, std::string("cannot make a zip archive: ") + ::zip_strerror(archive));
}

void add(zip_t* archive, const std::string& path, const std::string& bytes) {
  zip_source_t* source = ::zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  if (!source) throw broken(archive);
  const auto index = ::zip_file_add(archive, path.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    ::zip_source_free(source);
    throw broken(archive);
  }
  const auto entry = static_cast<zip_uint64_t>(index);
  if (::zip_file_set_dostime(archive, entry, 0, kFirstDay, 0) != 0 ||
      ::zip_file_set_external_attributes(archive, entry, 0, ZIP_OPSYS_UNIX, kMode) != 0 ||
      ::zip_set_file_compression(archive, entry, ZIP_CM_DEFLATE, 9) != 0)
    throw broken(archive);
}

std::string bytes_of(zip_source_t* source) {
  zip_stat_t facts;
  if (::zip_source_stat(source, &facts) != 0 || ::zip_source_open(source) != 0)
    throw fail(ProblemCause::internal, "cannot read the zip archive that was made");
  std::string out(facts.size, '\0');
  const auto count = ::zip_source_read(source, out.data(), out.size());
  ::zip_source_close(source);
  if (count < 0 || static_cast<std::size_t>(count) != out.size())
    throw fail(ProblemCause::internal, "cannot read the zip archive that was made");
  return out;
}

}  // namespace

std::string make_zip(const std::map<std::string, std::string>& files) {
  zip_error_t error;
  ::zip_error_init(&error);
  const std::unique_ptr<zip_source_t, Discard> place(::zip_source_buffer_create(nullptr, 0, 0, &error));
  if (!place) throw fail(ProblemCause::internal, "cannot make a zip archive");
  std::unique_ptr<zip_t, Discard> archive(::zip_open_from_source(place.get(), ZIP_TRUNCATE, &error));
  if (!archive) throw fail(ProblemCause::internal, "cannot make a zip archive");
  ::zip_source_keep(place.get());  // the archive gives up its own hold of it when it is closed
  for (const auto& [path, bytes] : files) add(archive.get(), path, bytes);
  if (::zip_close(archive.get()) != 0) throw broken(archive.get());
  static_cast<void>(archive.release());
  return bytes_of(place.get());
}

}  // namespace gitopsd::aws
