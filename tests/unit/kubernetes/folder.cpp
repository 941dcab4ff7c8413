#include "tests/unit/kubernetes/folder.h"

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace gitopsd::kubernetes {

Folder::Folder() : root_((std::filesystem::temp_directory_path() / "kubernetes-XXXXXX").string()) {
  if (!::mkdtemp(root_.data())) throw std::filesystem::filesystem_error("mkdtemp", root_, {});
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& bytes, mode_t mode) const {
  std::string path = at(name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  write_file_atomically(path, bytes, mode);
  return path;
}

std::string Folder::script(const std::string& name, const std::string& body) const {
  return write(name, "#!/bin/sh\n" + body, 0700);
}

std::string Folder::read(const std::string& name) const {
  return read_file(at(name));
}

}  // namespace gitopsd::kubernetes
