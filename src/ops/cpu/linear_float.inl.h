// Linear on float activations (every format, the reference form) and on bf16 pairs (F16 and BF16 weights).
//
// The float form decodes a group of columns of a panel to 16-lane floats, then multiplies and adds column by column in
// ascending order. The bf16 form rounds weights and activations to bf16 and uses the machine's pair dot product.
#pragma once

#include <utility>

#include "ops/cpu/formats.inl.h"

namespace frugal::FRUGAL_ISA {

// Decodes 32 columns, kBytes, of a quantised panel: w[k] holds column k of the 16 rows.
template <class F>
struct Decode {
  static constexpr int kCols = 32;
  static constexpr size_t kBytes = F::Super::kStep;
  static void group(const uint8_t* panel, int64_t b, int64_t, F16* w) {
    const typename F::Super super(panel, b / F::kSuper);
    const int i = static_cast<int>(b % F::kSuper);
    [&]<int... S>(std::integer_sequence<int, S...>) {
      (step<S>(super.block(i), super.scale(i, F::kHalves == 2 ? S / 4 : 0), super.minimum(i), w + 4 * S), ...);
    }
    (std::make_integer_sequence<int, 8>{});
  }
  template <int S>
  static void step(const uint8_t* block, F16 scale, F16 minimum, F16* w) {
    const B64 x = F::template step<S>(block);
    const F16 z = set1(static_cast<float>(F::kZero));
    auto value = [&](F16 u) { return F::kMin ? add(mul(u, scale), minimum) : mul(sub(u, z), scale); };
    w[0] = value(to_float(byte_of<0>(x)));
    w[1] = value(to_float(byte_of<1>(x)));
    w[2] = value(to_float(byte_of<2>(x)));
    w[3] = value(to_float(byte_of<3>(x)));
  }
};

struct DecodeF32 {
  static constexpr int kCols = 8;
  static constexpr size_t kBytes = kCols * 16 * 4;
  static FRUGAL_INLINE void group(const uint8_t* panel, int64_t b, int64_t n, F16* w) {
    const float* p = reinterpret_cast<const float*>(panel) + b * kCols * 16;
    for (int64_t k = 0; k < n; ++k) w[k] = load(p + k * 16);
  }
};

// F16 and BF16: [pair][row][2].
template <bool Brain>
struct DecodePair {
  static constexpr int kCols = 8;
  static constexpr size_t kBytes = kCols * 16 * 2;
  static FRUGAL_INLINE void group(const uint8_t* panel, int64_t b, int64_t n, F16* w) {
    const uint16_t* p = reinterpret_cast<const uint16_t*>(panel) + b * kCols * 16;
    for (int64_t k = 0; k < n; k += 2, p += 32) {
      F16 odd;
      apart(Brain ? load_bf16(p) : load_f16(p), Brain ? load_bf16(p + 16) : load_f16(p + 16), w[k], odd);
      if (k + 1 < n) w[k + 1] = odd;
    }
  }
  // The even and the odd lanes of 32 floats.
  static FRUGAL_INLINE void apart(F16 a, F16 b, F16& even, F16& odd) {
#if defined(FRUGAL_VEC512)
    const __m512i pick = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    even = {_mm512_permutex2var_ps(a.v, pick, b.v)};
    odd = {_mm512_permutex2var_ps(a.v, _mm512_add_epi32(pick, _mm512_set1_epi32(1)), b.v)};
#else
    float both[32], e[16], o[16];
    store(both, a);
    store(both + 16, b);
    for (int i = 0; i < 16; ++i) e[i] = both[2 * i], o[i] = both[2 * i + 1];
    even = load(e);
    odd = load(o);
#endif
  }
};

// acc[t] = row t0 + t of the tile (x[cols][m]) times the 16 rows of the panel.
template <class D, int M>
FRUGAL_INLINE void float_panel(const uint8_t* panel, int64_t cols, const float* x, int m, int t0, F16 (&acc)[M]) {
  for (F16& a : acc) a = zero();
  F16 w[D::kCols];
  for (int64_t k0 = 0, b = 0; k0 < cols; k0 += D::kCols, ++b) {
    const int64_t n = cols - k0 < D::kCols ? cols - k0 : D::kCols;
    fetch_ahead<D::kBytes>(panel + static_cast<size_t>(b) * D::kBytes);
    D::group(panel, b, n, w);
    for (int64_t k = 0; k < n; ++k) {
      const float* xk = x + (k0 + k) * m + t0;
#pragma GCC unroll 16
      for (int t = 0; t < M; ++t) acc[t] = fma(w[k], set1(xk[t]), acc[t]);
    }
  }
}

#if defined(FRUGAL_ISA_avx512vnni)
struct PairsF16 {
  static FRUGAL_INLINE H32 at(const uint8_t* panel, int64_t pair) {
    const uint16_t* p = reinterpret_cast<const uint16_t*>(panel) + pair * 32;
    return {_mm512_cvtne2ps_pbh(load_f16(p + 16).v, load_f16(p).v)};
  }
};
struct PairsBF16 {
  static FRUGAL_INLINE H32 at(const uint8_t* panel, int64_t pair) { return load_pairs(panel + pair * 64); }
};

template <class P, int M>
FRUGAL_INLINE void pair_panel(const uint8_t* panel, int64_t cols, const uint16_t* x, int m, int t0, F16 (&acc)[M]) {
  F16 odd[M];  // two sums a row: one alone would wait for itself
  for (F16& a : acc) a = zero();
  for (F16& a : odd) a = zero();
  const int64_t pairs = (cols + 1) / 2;
  for (int64_t k = 0; k + 1 < pairs; k += 2) {
    const uint16_t* xk = x + (k * m + t0) * 2;
    fetch_ahead<128>(panel + k * 64);
    const H32 w0 = P::at(panel, k), w1 = P::at(panel, k + 1);
#pragma GCC unroll 16
    for (int t = 0; t < M; ++t) acc[t] = dot2(acc[t], w0, broadcast_pair(xk + t * 2));
#pragma GCC unroll 16
    for (int t = 0; t < M; ++t) odd[t] = dot2(odd[t], w1, broadcast_pair(xk + (m + t) * 2));
  }
  if (pairs % 2 != 0)
    for (int t = 0; t < M; ++t)
      acc[t] = dot2(acc[t], P::at(panel, pairs - 1), broadcast_pair(x + ((pairs - 1) * m + t0 + t) * 2));
  for (int t = 0; t < M; ++t) acc[t] = add(acc[t], odd[t]);
}
#endif

inline void prepare_f32(const float* x, int64_t n, int t, int m, uint8_t* tile) {
  float* out = reinterpret_cast<float*>(tile) + t;
  for (int64_t k = 0; k < n; ++k) out[k * m] = x[k];
}

inline void prepare_bf16(const float* x, int64_t n, int t, int m, uint8_t* tile) {
  uint16_t* out = reinterpret_cast<uint16_t*>(tile) + t * 2;
  int64_t k = 0;
#if defined(FRUGAL_ISA_avx512vnni)
  for (; k + 32 <= n; k += 32) {  // sixteen pairs, m pairs apart in the tile
    uint32_t pair[16];
    _mm512_storeu_si512(pair, (__m512i)_mm512_cvtne2ps_pbh(load(x + k + 16).v, load(x + k).v));
    for (int i = 0; i < 16; ++i, out += 2 * m) std::memcpy(out, &pair[i], 4);
  }
#endif
  for (; k + 1 < n; k += 2, out += 2 * m) {
    out[0] = float_to_bf16(x[k]);
    out[1] = float_to_bf16(x[k + 1]);
  }
  if (n % 2 != 0) {
    out[0] = float_to_bf16(x[n - 1]);
    out[1] = 0;
  }
}

}  // namespace frugal::FRUGAL_ISA
