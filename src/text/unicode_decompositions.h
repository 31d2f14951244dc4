// The generated tables behind unicode_normal.h (tools/make_unicode_decompositions.py).
#pragma once

#include <cstddef>
#include <cstdint>

namespace frugal {

extern const uint32_t kCombiningRuns[];  // start << 8 | canonical combining class, wherever it changes
extern const size_t kCombiningRunsSize;
// Entries: code point | kind << 21 | length << 23, then the characters. Kind 0: compatibility; 1: canonical, and what
// it decomposes into composes back; 2: canonical, never composed.
extern const uint32_t kDecompositions[];
extern const size_t kDecompositionsSize;

}  // namespace frugal
