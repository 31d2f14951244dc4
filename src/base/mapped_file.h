// A file mapped for reading.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace frugal {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);  // throws Error when it cannot be opened or is no regular file
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  // Gives the pages inside [data, data + bytes) back to the system; they come back from the file when touched.
  void drop(const std::byte* data, size_t bytes) const;

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace frugal
