// Linear on int8 activations: for each block of 32 columns an exact integer dot product, then one multiply-add with
// scale(weight) * scale(activation), blocks in ascending order. M rows of a tile share every loaded weight.
#pragma once

#include <utility>

#include "ops/cpu/formats.inl.h"
#include "ops/cpu/tile.h"

namespace frugal::FRUGAL_ISA {

template <class F, int M, int S>
FRUGAL_INLINE void int8_step(const uint8_t* block, const int8_t* q, I16 (&sums)[M]) {
  const B64 w = F::template step<S>(block);
#pragma GCC unroll 16
  for (int t = 0; t < M; ++t) sums[t] = dot4(sums[t], w, broadcast4(q + t * 32 + S * 4));
}

template <class F, int M, int First, int... S>
FRUGAL_INLINE void int8_steps(const uint8_t* block, const int8_t* q, I16 (&sums)[M], std::integer_sequence<int, S...>) {
  (int8_step<F, M, First + S>(block, q, sums), ...);
}

// acc[t] += rows t0 + t of the tile times the 16 rows of the panel, over block b, the super-block's i-th.
template <class F, int M>
FRUGAL_INLINE void int8_block(const typename F::Super& super, int i, int64_t b, const Int8Tile& tile, int t0,
                              F16 (&acc)[M]) {
  using Steps = std::make_integer_sequence<int, F::kHalves == 2 ? 4 : 8>;
  const int64_t at = b * tile.m + t0;
  const uint8_t* block = super.block(i);
  I16 sums[M];
#pragma GCC unroll 16
  for (int t = 0; t < M; ++t) {
    const int32_t z = F::kHalves == 2 ? tile.half[at + t] : F::kZero == 0 ? 0 : tile.zero[at + t];
    sums[t] = iset1(z * (F::kZero / 8));
  }
  int8_steps<F, M, 0>(block, tile.q + at * 32, sums, Steps{});
  const F16 scale0 = super.scale(i, 0);
#pragma GCC unroll 16
  for (int t = 0; t < M; ++t) acc[t] = fma(to_float(sums[t]), mul(scale0, set1(tile.d[at + t])), acc[t]);
  if constexpr (F::kHalves == 2) {
    const F16 scale1 = super.scale(i, 1);
#pragma GCC unroll 16
    for (int t = 0; t < M; ++t) sums[t] = iset1((tile.zero[at + t] - tile.half[at + t]) * (F::kZero / 8));
    int8_steps<F, M, 4>(block, tile.q + at * 32, sums, Steps{});
#pragma GCC unroll 16
    for (int t = 0; t < M; ++t) acc[t] = fma(to_float(sums[t]), mul(scale1, set1(tile.d[at + t])), acc[t]);
  }
  if constexpr (F::kMin) {
    const F16 minimum = super.minimum(i);
#pragma GCC unroll 16
    for (int t = 0; t < M; ++t) acc[t] = fma(minimum, set1(tile.s[at + t]), acc[t]);
  }
}

// acc[t] = row t0 + t of the tile times the 16 rows of the panel.
template <class F, int M>
FRUGAL_INLINE void int8_panel(const uint8_t* panel, int64_t blocks, const Int8Tile& tile, int t0, F16 (&acc)[M]) {
  for (F16& a : acc) a = zero();
  for (int64_t b = 0; b < blocks; ++b) {
    const typename F::Super super(panel, b / F::kSuper);
    const int i = static_cast<int>(b % F::kSuper);
    fetch_ahead<F::Super::kStep>(super.block(i));
    int8_block<F, M>(super, i, b, tile, t0, acc);
  }
}

// Quantises columns of one row into place t: a block's scale is its largest magnitude / 127.
inline void prepare_int8(const float* x, int64_t cols, int64_t first_col, int64_t last_col, int t, int m,
                         uint8_t* tile) {
  const Int8Tile layout(tile, cols / 32, m);
  for (int64_t b = first_col / 32; b < last_col / 32; ++b) {
    const F16 lo = load(x + b * 32), hi = load(x + b * 32 + 16);
    const float largest = max_of(max(abs(lo), abs(hi)));
    const float d = largest / 127.0f, inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
    const F16 ql = round_even(mul(lo, set1(inverse))), qh = round_even(mul(hi, set1(inverse)));
    const int64_t at = b * m + t;
    int8_t* q = const_cast<int8_t*>(layout.q) + at * 32;
    store_i8(q, ql);
    store_i8(q + 16, qh);
    const int first = sum16(q), total = first + sum16(q + 16);
    const_cast<float*>(layout.d)[at] = d;
    const_cast<float*>(layout.s)[at] = d * static_cast<float>(total);
    const_cast<int32_t*>(layout.zero)[at] = -8 * total;
    const_cast<int32_t*>(layout.half)[at] = -8 * first;
  }
}

}  // namespace frugal::FRUGAL_ISA
