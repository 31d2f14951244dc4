// The ids of pre-tokens met before. Text repeats its words, so nearly every pre-token is found here and not merged
// again.
//
// Direct-mapped: a piece has one slot of 64 bytes, its key in two words, and overwrites who was there. So the cache has
// one size, never needs clearing, and a lookup is one cache line. Pieces longer than 15 bytes or of more than 11 ids
// are rare and not kept.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace frugal {

class PieceCache {
 public:
  static constexpr size_t kLongest = 15, kMostIds = 11;
  struct Key {
    uint64_t low = 0, high = 0;  // the bytes, and their number in the highest
    bool operator==(const Key&) const = default;
  };
  struct alignas(64) Slot {
    Key key;
    uint32_t count = 0;
    int32_t ids[kMostIds] = {};
  };

  PieceCache() : slots_(kSlots) {}

  // piece: 1 to kLongest bytes. Reads nothing beside them.
  static Key key_of(std::string_view piece) {
    const char* p = piece.data();
    const size_t n = piece.size();
    Key k;
    if (n >= 8) {
      k.low = load<uint64_t>(p);
      k.high = n == 8 ? 0 : load<uint64_t>(p + n - 8) >> (8 * (16 - n));
    } else if (n >= 4) {
      k.low = load<uint32_t>(p) | static_cast<uint64_t>(load<uint32_t>(p + n - 4)) << (8 * (n - 4));
    } else {
      for (size_t i = 0; i < n; ++i) k.low |= static_cast<uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
    }
    k.high |= static_cast<uint64_t>(n) << 56;
    return k;
  }
  Slot& slot(const Key& k) {
    uint64_t h = (k.low ^ (k.high << 29 | k.high >> 35)) * 0x9e3779b97f4a7c15ull;
    h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93ull;
    return slots_[h >> (64 - kBits)];
  }

 private:
  static constexpr int kBits = 15;
  static constexpr size_t kSlots = size_t{1} << kBits;
  template <typename T>
  static T load(const char* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
  std::vector<Slot> slots_;
};

// Caches lent to one call each, so that calls of several threads never wait for each other.
class PieceCaches {
 public:
  std::unique_ptr<PieceCache> take() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<PieceCache>();
    auto cache = std::move(free_.back());
    free_.pop_back();
    return cache;
  }
  void give(std::unique_ptr<PieceCache> cache) {
    std::lock_guard lock(mutex_);
    free_.push_back(std::move(cache));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<PieceCache>> free_;
};

}  // namespace frugal
