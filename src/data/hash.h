// Hashes of short byte strings: equal bytes, equal hash, on every machine; well mixed, not secret.
//
// A folded 64 x 64 multiplication over 16-byte steps (the construction of wyhash and rapidhash), about a nanosecond for
// a word. xxHash stands where its very values are asked for.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace frugal::data {

inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load_up_to_8(const char* at, size_t n) {
  uint64_t w = 0;
  if (n >= 8) {
    std::memcpy(&w, at, 8);
  } else if (n >= 4) {
    uint32_t low, high;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + n - 4, 4);
    w = low | (uint64_t{high} << 32);
  } else if (n > 0) {
    w = static_cast<unsigned char>(at[0]) | (uint64_t{static_cast<unsigned char>(at[n / 2])} << 8) |
        (uint64_t{static_cast<unsigned char>(at[n - 1])} << 16);
  }
  return w;
}

inline uint64_t hash_bytes(std::string_view bytes, uint64_t seed = 0) {
  constexpr uint64_t k0 = 0x9E3779B97F4A7C15, k1 = 0xD1B54A32D192ED03, k2 = 0x8CB92BA72F3D8DD7;
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t h = seed ^ k0;
  for (; left > 16; at += 16, left -= 16) h = fold_multiply(load_up_to_8(at, 8) ^ k1, load_up_to_8(at + 8, 8) ^ h);
  const uint64_t first = load_up_to_8(at, left), second = left > 8 ? load_up_to_8(at + left - 8, 8) : 0;
  return fold_multiply(fold_multiply(first ^ k1, second ^ h ^ k2), bytes.size() ^ k2);
}

inline uint64_t mix(uint64_t h) { return fold_multiply(h ^ 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03); }

}  // namespace frugal::data
