#include "text/unicode.h"

#include <algorithm>

namespace frugal {

ClassTable::ClassTable() : classes_(0x110000) {
  for (size_t i = 0; i < kClassRunCount; ++i) {
    const uint32_t begin = kClassRuns[i] >> 3, number = kClassRuns[i] & 7;
    const uint32_t end = i + 1 < kClassRunCount ? kClassRuns[i + 1] >> 3 : 0x110000;
    std::fill(classes_.begin() + begin, classes_.begin() + end, static_cast<uint8_t>(number == 0 ? 0 : 1 << (number - 1)));
  }
}

const ClassTable& ClassTable::get() {
  static const ClassTable table;
  return table;
}

}  // namespace frugal
