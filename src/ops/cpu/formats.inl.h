// What each weight format's panel holds, as the kernels see it: the bytes of a step, its scales, its minima.
//
// A format F gives: kZero (zero point), kHalves (1, or 2 when each 16 columns have their own scale), kMin, and for
// block b of a panel at(panel, b), step<S>(block) -> 64 bytes, scale(panel, b, half), minimum(panel, b).
#pragma once

#include "ops/cpu/vec.h"
#include "ops/pack.h"

namespace frugal::FRUGAL_ISA {

template <const PackedLayout& L>
struct BlockAt {
  static constexpr size_t kStep = static_cast<size_t>(L.nibbles + L.extra + L.block_scale);
  static FRUGAL_INLINE const uint8_t* super(const uint8_t* panel, int64_t b) {
    return panel + static_cast<size_t>(b / L.super) * L.super_size();
  }
  static FRUGAL_INLINE const uint8_t* at(const uint8_t* panel, int64_t b) {
    return super(panel, b) + static_cast<size_t>(b % L.super) * kStep;
  }
};

template <int S>
FRUGAL_INLINE B64 nibble_step(const uint8_t* block) {
  B64 bytes = load_bytes(block + (S % 4) * 64);
  return band(S < 4 ? bytes : shift_right<4>(bytes), bset1(15));
}

// Legacy types: scale (and minimum) as half floats behind the values.
template <const PackedLayout& L, int Zero, bool Min, int Bits>
struct Legacy : BlockAt<L> {
  static constexpr int kZero = Zero, kHalves = 1;
  static constexpr bool kMin = Min;
  template <int S>
  static FRUGAL_INLINE B64 step(const uint8_t* block) {
    if constexpr (Bits == 8) {
      return load_bytes(block + S * 64);
    } else {
      B64 low = nibble_step<S>(block);
      if constexpr (Bits == 4) return low;
      return bor(low, shift_left<4>(band(shift_right<S>(load_bytes(block + L.nibbles)), bset1(1))));
    }
  }
  static FRUGAL_INLINE F16 scale(const uint8_t* panel, int64_t b, int) {
    return load_f16(reinterpret_cast<const uint16_t*>(BlockAt<L>::at(panel, b) + L.nibbles + L.extra));
  }
  static FRUGAL_INLINE F16 minimum(const uint8_t* panel, int64_t b) {
    if constexpr (!Min) return zero();
    return load_f16(reinterpret_cast<const uint16_t*>(BlockAt<L>::at(panel, b) + L.nibbles + L.extra + 32));
  }
};
using FmtQ4_0 = Legacy<kPackedQ4_0, 8, false, 4>;
using FmtQ4_1 = Legacy<kPackedQ4_1, 0, true, 4>;
using FmtQ5_0 = Legacy<kPackedQ5_0, 16, false, 5>;
using FmtQ5_1 = Legacy<kPackedQ5_1, 0, true, 5>;
using FmtQ8_0 = Legacy<kPackedQ8_0, 128, false, 8>;

// Q4_K, Q5_K: 6-bit scales and minima times the super-block's two half floats.
template <const PackedLayout& L, int Bits>
struct KMin : BlockAt<L> {
  static constexpr int kZero = 0, kHalves = 1;
  static constexpr bool kMin = true;
  template <int S>
  static FRUGAL_INLINE B64 step(const uint8_t* block) {
    B64 low = nibble_step<S>(block);
    if constexpr (Bits == 4) return low;
    return bor(low, shift_left<4>(band(shift_right<S>(load_bytes(block + L.nibbles)), bset1(1))));
  }
  static FRUGAL_INLINE const uint16_t* tail(const uint8_t* panel, int64_t b) {
    return reinterpret_cast<const uint16_t*>(BlockAt<L>::super(panel, b) + L.super * BlockAt<L>::kStep);
  }
  static FRUGAL_INLINE F16 scale(const uint8_t* panel, int64_t b, int) {
    return mul(load_f16(tail(panel, b)), load_u8(BlockAt<L>::at(panel, b) + L.nibbles + L.extra));
  }
  static FRUGAL_INLINE F16 minimum(const uint8_t* panel, int64_t b) {
    F16 m = mul(load_f16(tail(panel, b) + 16), load_u8(BlockAt<L>::at(panel, b) + L.nibbles + L.extra + 16));
    return sub(zero(), m);
  }
};
using FmtQ4_K = KMin<kPackedQ4_K, 4>;
using FmtQ5_K = KMin<kPackedQ5_K, 5>;

// Q6_K: a signed scale for each 16 columns.
struct FmtQ6_K : BlockAt<kPackedQ6_K> {
  static constexpr int kZero = 32, kHalves = 2;
  static constexpr bool kMin = false;
  template <int S>
  static FRUGAL_INLINE B64 step(const uint8_t* block) {
    B64 two = band(shift_right<2 * (S % 4)>(load_bytes(block + kPackedQ6_K.nibbles + S / 4 * 64)), bset1(3));
    return bor(nibble_step<S>(block), shift_left<4>(two));
  }
  static FRUGAL_INLINE F16 scale(const uint8_t* panel, int64_t b, int half) {
    const uint8_t* tail = super(panel, b) + kPackedQ6_K.super * kStep;
    const uint8_t* s = at(panel, b) + kPackedQ6_K.nibbles + kPackedQ6_K.extra + 16 * half;
    return mul(load_f16(reinterpret_cast<const uint16_t*>(tail)), load_i8(reinterpret_cast<const int8_t*>(s)));
  }
  static FRUGAL_INLINE F16 minimum(const uint8_t*, int64_t) { return zero(); }
};

}  // namespace frugal::FRUGAL_ISA
