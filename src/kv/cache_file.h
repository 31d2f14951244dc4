// Saved caches, whatever the layout: a file that appears whole or not at all, the header that must fit the pool, and
// the index by which anybody can see, without the model, what a cache kept.
//
//   "FRUGALKV" u32 version=2, spec and layout (u32 bytes, text), u64 length, u64 ids, ids i32, u32 heads, for each head
//   u32 layer, u64 slots, tokens i32 (no heads: every row is there), then what the layout writes
#pragma once

#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_reader.h"

namespace frugal {

struct CacheIndex {
  struct Head {
    int layer = 0;
    std::vector<int32_t> tokens;  // by slot: the number n of the token whose row it is; ~n where the row is dead
  };
  std::string spec, layout;
  int64_t length = 0;        // tokens the sequence has seen
  std::vector<int32_t> ids;  // what the saver gave with it
  std::vector<Head> heads;   // layer by layer; none where every head holds every row
};

class CacheWriter {
 public:
  CacheWriter(std::string path, const CacheIndex& index);
  ~CacheWriter();  // takes an unfinished file away
  void put(const void* p, size_t bytes);
  template <typename T>
  void number(T x) {
    put(&x, sizeof x);
  }
  void text(const std::string& s);
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

bool is_saved_cache(std::span<const std::byte> bytes);
// Reads all that stands before what the layout writes; throws Error when the file is something else or damaged.
CacheIndex read_cache_index(ByteReader& in, const std::string& path);
// The same, and throws Error when it was saved under another spec.
CacheIndex read_cache_index(ByteReader& in, const std::string& path, const std::string& spec);

template <typename T>
std::vector<T> read_list(ByteReader& in, uint64_t count, const char* what) {
  in.need(count, sizeof(T), what);
  std::vector<T> items(static_cast<size_t>(count));
  const std::string raw = in.text(count * sizeof(T), what);
  if (!raw.empty()) std::memcpy(items.data(), raw.data(), raw.size());
  return items;
}

}  // namespace frugal
