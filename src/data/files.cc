#include "data/files.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "data/byte_stream.h"
#include "io/output_file.h"

namespace frugal::data {
namespace fs = std::filesystem;
namespace {

class PlainWriter : public PartWriter {
 public:
  explicit PlainWriter(const std::string& path) : file_(path) {}
  void write(std::string_view bytes) override { file_.write(bytes.data(), bytes.size()); }
  void commit() override { file_.commit(); }

 private:
  OutputFile file_;
};

}  // namespace

std::unique_ptr<PartWriter> plain_writer(const std::string& path) { return std::make_unique<PlainWriter>(path); }

std::vector<std::string> matching_files(const std::string& pattern) {
  std::vector<std::string> found;
  if (fs::is_directory(pattern)) {
    for (const auto& entry : fs::recursive_directory_iterator(pattern))
      if (entry.is_regular_file()) found.push_back(entry.path().string());
  } else if (fs::exists(pattern)) {
    found.push_back(pattern);
  } else {
    glob_t matches{};
    if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &matches) == 0)
      for (size_t i = 0; i < matches.gl_pathc; ++i)
        if (fs::is_regular_file(matches.gl_pathv[i])) found.emplace_back(matches.gl_pathv[i]);
    ::globfree(&matches);
  }
  if (found.empty()) fail(ErrorCode::kNotFound, "data", "found no file for '{}'", pattern);
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<Part> cut_into_parts(const std::vector<std::string>& files, uint64_t piece) {
  std::vector<Part> parts;
  for (const std::string& path : files) {
    const uint64_t size = fs::file_size(path);
    if (size <= piece || is_packed(path)) {
      parts.push_back({path, 0, size, size});
      continue;
    }
    for (uint64_t at = 0; at < size; at += piece) {
      const uint64_t end = std::min(size, at + piece);
      parts.push_back({path, at, end, end - at});
    }
  }
  return parts;
}

void join_files(const std::vector<std::string>& files, const std::string& path) {
  const auto gone = [](const std::string& file) { return !fs::exists(file); };
  if (fs::exists(path) && std::any_of(files.begin(), files.end(), gone)) return;  // done, but killed while removing
  OutputFile out(path);
  std::vector<char> buffer(1 << 20);
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0)
      out.write(buffer.data(), static_cast<size_t>(in.gcount()));
  }
  out.commit();
  std::error_code ignored;
  for (const std::string& file : files) fs::remove(file, ignored);
  if (!files.empty()) fs::remove(fs::path(files[0]).parent_path(), ignored);
}

std::string file_key(const std::string& path) {
  struct stat s {};
  ::stat(path.c_str(), &s);
  return fmt::format("{}:{}:{}", path, s.st_size, s.st_mtime);
}

std::string Part::key() const { return fmt::format("{}:{}-{}{}", file_key(path), begin, end, more); }

}  // namespace frugal::data
