// What each weight format's panel holds, as the kernels see it: the bytes of a step, its scales, its minima.
//
// A format F gives: kZero (zero point), kHalves (1, or 2 when each 16 columns have their own scale), kMin, kSuper
// (blocks that share what a super-block holds), step<S>(block) -> 64 bytes, and of a panel's n-th super-block
// Super(panel, n): block(i), scale(i, half), minimum(i) of its i-th block.
#pragma once

#include "ops/cpu/vec.h"
#include "ops/pack.h"

namespace frugal::FRUGAL_ISA {

// Asks for the weights that a panel, or the panel behind it, needs some blocks later: a step over several rows takes
// longer than the processor looks ahead by itself, and its own guesses end with each 4 KB of addresses.
template <size_t Bytes>
FRUGAL_INLINE void fetch_ahead(const uint8_t* block) {
  constexpr size_t kAhead = 4096;
#pragma GCC unroll 16
  for (size_t at = 0; at < Bytes; at += 64) __builtin_prefetch(block + kAhead + at);
}

template <const PackedLayout& L>
struct BlockAt {
  static constexpr int kSuper = L.super;
  static constexpr size_t kStep = static_cast<size_t>(L.nibbles + L.extra + L.block_scale);
  const uint8_t* base;
  FRUGAL_INLINE BlockAt(const uint8_t* panel, int64_t n) : base(panel + static_cast<size_t>(n) * L.super_size()) {}
  FRUGAL_INLINE const uint8_t* block(int i) const { return base + static_cast<size_t>(i) * kStep; }
  FRUGAL_INLINE const uint8_t* scales(int i) const { return block(i) + L.nibbles + L.extra; }
  FRUGAL_INLINE const uint16_t* tail() const { return reinterpret_cast<const uint16_t*>(base + L.super * kStep); }
};

template <int S>
FRUGAL_INLINE B64 nibble_step(const uint8_t* block) {
  B64 bytes = load_bytes(block + (S % 4) * 64);
  return band(S < 4 ? bytes : shift_right<4>(bytes), bset1(15));
}

// Step S of values of 4 + n bits: the nibble, and over it the bits of plane that begin at From; most = 2^(4 + n) - 1.
template <int S, int From>
FRUGAL_INLINE B64 wide_step(const uint8_t* block, const uint8_t* plane, uint8_t most) {
  B64 low = load_bytes(block + (S % 4) * 64), high = load_bytes(plane);
  if constexpr (S >= 4) low = shift_right<4>(low);
  if constexpr (From < 4) high = shift_left<4 - From>(high);
  if constexpr (From > 4) high = shift_right<From - 4>(high);
  return band(merge_bits(bset1(15), low, high), bset1(most));
}

// Legacy types: scale (and minimum) as half floats behind the values.
template <const PackedLayout& L, int Zero, bool Min, int Bits>
struct Legacy {
  static constexpr int kZero = Zero, kHalves = 1, kSuper = 1;
  static constexpr bool kMin = Min;
  template <int S>
  static FRUGAL_INLINE B64 step(const uint8_t* block) {
    if constexpr (Bits == 8)
      return load_bytes(block + S * 64);
    else if constexpr (Bits == 4)
      return nibble_step<S>(block);
    else
      return wide_step<S, S>(block, block + L.nibbles, 31);
  }
  struct Super : BlockAt<L> {
    using BlockAt<L>::BlockAt;
    FRUGAL_INLINE F16 scale(int i, int) const { return load_f16(reinterpret_cast<const uint16_t*>(this->scales(i))); }
    FRUGAL_INLINE F16 minimum(int i) const {
      if constexpr (!Min)
        return zero();
      else
        return load_f16(reinterpret_cast<const uint16_t*>(this->scales(i)) + 16);
    }
  };
};
using FmtQ4_0 = Legacy<kPackedQ4_0, 8, false, 4>;
using FmtQ4_1 = Legacy<kPackedQ4_1, 0, true, 4>;
using FmtQ5_0 = Legacy<kPackedQ5_0, 16, false, 5>;
using FmtQ5_1 = Legacy<kPackedQ5_1, 0, true, 5>;
using FmtQ8_0 = Legacy<kPackedQ8_0, 128, false, 8>;

// Q4_K, Q5_K: 6-bit scales and minima times the super-block's two half floats.
template <const PackedLayout& L, int Bits>
struct KMin {
  static constexpr int kZero = 0, kHalves = 1, kSuper = L.super;
  static constexpr bool kMin = true;
  template <int S>
  static FRUGAL_INLINE B64 step(const uint8_t* block) {
    if constexpr (Bits == 4)
      return nibble_step<S>(block);
    else
      return wide_step<S, S>(block, block + L.nibbles, 31);
  }
  struct Super : BlockAt<L> {
    F16 unit, low;
    FRUGAL_INLINE Super(const uint8_t* panel, int64_t n)
        : BlockAt<L>(panel, n), unit(load_f16(this->tail())), low(sub(zero(), load_f16(this->tail() + 16))) {}
    FRUGAL_INLINE F16 scale(int i, int) const { return mul(unit, load_u8(this->scales(i))); }
    FRUGAL_INLINE F16 minimum(int i) const { return mul(low, load_u8(this->scales(i) + 16)); }
  };
};
using FmtQ4_K = KMin<kPackedQ4_K, 4>;
using FmtQ5_K = KMin<kPackedQ5_K, 5>;

// Q6_K: a signed scale for each 16 columns.
struct FmtQ6_K {
  static constexpr int kZero = 32, kHalves = 2, kSuper = kPackedQ6_K.super;
  static constexpr bool kMin = false;
  template <int S>
  static FRUGAL_INLINE B64 step(const uint8_t* block) {
    return wide_step<S, 2 * (S % 4)>(block, block + kPackedQ6_K.nibbles + S / 4 * 64, 63);
  }
  struct Super : BlockAt<kPackedQ6_K> {
    F16 unit;
    FRUGAL_INLINE Super(const uint8_t* panel, int64_t n) : BlockAt(panel, n), unit(load_f16(tail())) {}
    FRUGAL_INLINE F16 scale(int i, int half) const {
      return mul(unit, load_i8(reinterpret_cast<const int8_t*>(scales(i)) + 16 * half));
    }
    FRUGAL_INLINE F16 minimum(int) const { return zero(); }
  };
};

}  // namespace frugal::FRUGAL_ISA
