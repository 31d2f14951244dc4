#include "io/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace frugal {

OutputFile::OutputFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.partial-{}", path_, ::getpid())) {
  out_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!out_) refuse("create");
}

OutputFile::~OutputFile() {
  if (committed_) return;
  out_.close();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void OutputFile::refuse(const char* what) const {
  fail(ErrorCode::kIo, "file", "cannot {} {}: {}", what, path_, std::strerror(errno));
}

void OutputFile::write(const void* bytes, size_t count) {
  if (!out_.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count))) refuse("write");
}

void OutputFile::commit() {
  out_.close();
  if (!out_) refuse("write");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) refuse("put in place");
  committed_ = true;
}

void write_text_file(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace frugal
