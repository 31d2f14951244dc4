// Saved caches, whatever the layout: a file that appears whole or not at all, and the header that must fit the pool.
//
//   "FRUGALKV" u32 version=1 u32 spec bytes, spec, then what the layout writes
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_reader.h"

namespace frugal {

class CacheWriter {
 public:
  CacheWriter(std::string path, const std::string& spec);
  ~CacheWriter();  // takes an unfinished file away
  void put(const void* p, size_t bytes);
  template <typename T>
  void number(T x) {
    put(&x, sizeof x);
  }
  template <typename T>
  void list(const std::vector<T>& items, size_t count) {
    put(items.data(), count * sizeof(T));
  }
  void finish();  // throws Error when the file could not be written

 private:
  struct Close {
    void operator()(FILE* f) const { std::fclose(f); }
  };
  std::string path_, part_;
  std::unique_ptr<FILE, Close> file_;
  bool good_;
};

// Reads the header; throws Error when the file is something else or was saved under another spec.
void read_cache_header(ByteReader& in, const std::string& path, const std::string& spec);

template <typename T>
std::vector<T> read_list(ByteReader& in, uint64_t count, const char* what) {
  in.need(count, sizeof(T), what);
  std::vector<T> items(static_cast<size_t>(count));
  const std::string raw = in.text(count * sizeof(T), what);
  if (!raw.empty()) std::memcpy(items.data(), raw.data(), raw.size());
  return items;
}

}  // namespace frugal
