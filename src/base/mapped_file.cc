#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace frugal {

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(ErrorCode::kNotFound, "file", "cannot open {}: {}", path, std::strerror(errno));
  struct stat s = {};
  if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
    ::close(fd);
    fail(ErrorCode::kBadInput, "file", "{} is not a regular file", path);
  }
  size_ = static_cast<size_t>(s.st_size);
  if (size_ > 0) {
    void* p = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p != MAP_FAILED) data_ = static_cast<const std::byte*>(p);
  }
  ::close(fd);
  if (size_ > 0 && data_ == nullptr) fail(ErrorCode::kIo, "file", "cannot map {} ({} bytes)", path, size_);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

void MappedFile::drop(const std::byte* data, size_t bytes) const {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t first = static_cast<size_t>(data - data_), last = first + bytes;
  if (data < data_ || last > size_) return;
  first = (first + page - 1) / page * page;
  last = last / page * page;
  if (first < last) madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

}  // namespace frugal
