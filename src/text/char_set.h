// A set of characters: one bit a code point, in pages that exist only where the set has members.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace frugal {

class CharSet {
 public:
  CharSet() : index_(kLast >> 8, 0), pages_(1) {}
  void add(uint32_t first, uint32_t last);  // both included; last < 0x110000
  void add_classes(uint8_t mask);           // every character of these classes (unicode.h)
  bool has(uint32_t c) const { return c < kLast && (pages_[index_[c >> 8]][(c >> 6) & 3] >> (c & 63) & 1) != 0; }

 private:
  static constexpr uint32_t kLast = 0x110000;
  std::vector<uint16_t> index_;
  std::vector<std::array<uint64_t, 4>> pages_;  // page 0 is empty
};

}  // namespace frugal
