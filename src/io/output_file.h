// A file written under a temporary name beside its own, which it gets only when it is complete: whoever looks finds the
// old file or the whole new one, and a failed write leaves nothing behind.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace frugal {

class OutputFile {
 public:
  explicit OutputFile(std::string path);  // throws Error when it cannot be created
  ~OutputFile();                          // removes what was not committed
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* bytes, size_t count);  // throws Error when the system refuses (disk full, ...)
  void commit();                                // the file now stands under its own name
  const std::string& path() const { return path_; }

 private:
  [[noreturn]] void refuse(const char* what) const;
  std::string path_, temporary_;
  std::ofstream out_;
  bool committed_ = false;
};

// The whole text at once.
void write_text_file(const std::string& path, const std::string& text);

}  // namespace frugal
