// Where things lie inside a prepared activation tile of m rows (see kernels.h and linear*.inl.h).
//
//   kF32   float x[cols][m]
//   kBF16  bf16  x[cols / 2][m][2], an odd last column padded with zero
//   kInt8  int8  q[blocks][m][32], then by block and row: float d (scale), float s = d * sum(q),
//          int32 zero = -8 * sum(q), int32 half = -8 * sum of the first 16 q
#pragma once

#include <cstddef>
#include <cstdint>

namespace frugal {

struct Int8Tile {
  const int8_t* q;
  const float *d, *s;
  const int32_t *zero, *half;
  int m;

  Int8Tile(const uint8_t* tile, int64_t blocks, int rows) : m(rows) {
    const int64_t n = blocks * rows;
    q = reinterpret_cast<const int8_t*>(tile);
    d = reinterpret_cast<const float*>(tile + n * 32);
    s = d + n;
    zero = reinterpret_cast<const int32_t*>(s + n);
    half = zero + n;
  }
};
constexpr int kInt8BlockBytes = 32 + 4 * 4;

}  // namespace frugal
