// Files that io's tests make: temporary places, and GGUF and safetensors bytes put together by hand, sound or not.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace frugal::testing_files {

inline const std::string kGolden = std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/";

// A folder that is removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static int number = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("frugal-io-" + std::to_string(::getpid()) + "-" + std::to_string(number++)))
                .string();
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spill(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// Bytes one after another: Bytes().u32(3).text("a").
struct Bytes {
  std::string out;
  template <typename T>
  Bytes& put(T v) {
    out.append(reinterpret_cast<const char*>(&v), sizeof(T));
    return *this;
  }
  Bytes& u8(uint8_t v) { return put(v); }
  Bytes& u32(uint32_t v) { return put(v); }
  Bytes& u64(uint64_t v) { return put(v); }
  Bytes& text(const std::string& s) {
    u64(s.size());
    out += s;
    return *this;
  }
  Bytes& raw(const std::string& s) {
    out += s;
    return *this;
  }
  Bytes& align(size_t n) {
    out.resize((out.size() + n - 1) / n * n);
    return *this;
  }
};

inline Bytes gguf_start(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
  return Bytes().raw("GGUF").u32(version).u64(tensors).u64(pairs);
}

inline std::string safetensors_bytes(const std::string& header, const std::string& data = "") {
  return Bytes().text(header).raw(data).out;
}

}  // namespace frugal::testing_files
