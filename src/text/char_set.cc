#include "text/char_set.h"

#include "text/unicode.h"

namespace frugal {

void CharSet::add(uint32_t first, uint32_t last) {
  for (uint32_t c = first; c <= last && c < kLast; ++c) {
    uint16_t& page = index_[c >> 8];
    if (page == 0) {
      page = static_cast<uint16_t>(pages_.size());
      pages_.push_back({});
    }
    pages_[page][(c >> 6) & 3] |= uint64_t{1} << (c & 63);
  }
}

void CharSet::add_classes(uint8_t mask) {
  for (uint32_t c = 0; c < kLast; ++c)
    if (class_of(c) & mask) add(c, c);
}

}  // namespace frugal
