#include "text/unicode.h"

#include <algorithm>

namespace frugal {

ClassTable::ClassTable() : classes_(0x110000) {
  for (size_t i = 0; i < kClassRunCount; ++i) {
    const uint32_t begin = kClassRuns[i] >> 3, number = kClassRuns[i] & 7;
    const uint32_t end = i + 1 < kClassRunCount ? kClassRuns[i + 1] >> 3 : 0x110000;
    std::fill(classes_.begin() + begin, classes_.begin() + end,
              static_cast<uint8_t>(number == 0 ? 0 : 1 << (number - 1)));
  }
}

const ClassTable& ClassTable::get() {
  static const ClassTable table;
  return table;
}

Char wide_char_at(const ClassTable& table, std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at);
  const size_t n = utf8_length(rest);
  if (n == 1) return {kNoChar, 1, 0};
  const uint32_t code = decode_utf8(rest.substr(0, n));
  return {code, static_cast<uint8_t>(n), table[code]};
}

}  // namespace frugal
