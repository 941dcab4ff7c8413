#include "daemon/render/sandbox/loader.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "daemon/render/sandbox/descriptor.h"

namespace gitopsd::sandbox {
namespace {

constexpr std::size_t kLongestName = 4096;

bool read_at(int fd, void* into, std::size_t size, std::uint64_t offset) {
  return ::pread(fd, into, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

}  // namespace

std::string dynamic_loader(const std::string& program) {
  const Descriptor fd(::open(program.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw std::system_error(errno, std::generic_category(), "cannot open " + program);
  Elf64_Ehdr header{};
  if (!read_at(fd.get(), &header, sizeof header, 0) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr))
    throw std::runtime_error(program + " is no 64-bit ELF program, and a script would need others");
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    if (!read_at(fd.get(), &part, sizeof part, header.e_phoff + static_cast<std::uint64_t>(i) * sizeof part))
      throw std::runtime_error(program + " is cut short");
    if (part.p_type != PT_INTERP || part.p_filesz > kLongestName) continue;
    std::string name(part.p_filesz, '\0');
    if (!read_at(fd.get(), name.data(), name.size(), part.p_offset))
      throw std::runtime_error(program + " is cut short");
    return name.c_str();  // it ends with a zero byte
  }
  return {};
}

}  // namespace gitopsd::sandbox
