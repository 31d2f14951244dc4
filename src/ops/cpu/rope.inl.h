// Rotation of one head by one row of angles, 16 lanes at a time; rope.cc has it in plain code.
#pragma once

#include "ops/cpu/codecs.inl.h"
#include "ops/rope.h"

namespace frugal::FRUGAL_ISA {

// {c0, s0, c1, s1, ...} -> {c0, c0, c1, c1, ...}, {-s0, s0, -s1, s1, ...}; and neighbours exchanged.
FRUGAL_INLINE void spread_angles(const float* cos_sin, F16& c, F16& s) {
  alignas(64) static const float sign[16] = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
#if defined(FRUGAL_VEC512)
  const __m512 both = _mm512_loadu_ps(cos_sin);
  c = {_mm512_moveldup_ps(both)};
  s = mul({_mm512_movehdup_ps(both)}, load(sign));
#else
  float lanes[2][16];
  for (int i = 0; i < 16; ++i) lanes[0][i] = cos_sin[i / 2 * 2], lanes[1][i] = cos_sin[i / 2 * 2 + 1] * sign[i];
  c = load(lanes[0]);
  s = load(lanes[1]);
#endif
}
FRUGAL_INLINE F16 swap_neighbours(F16 x) {
#if defined(FRUGAL_VEC512)
  return {_mm512_permute_ps(x.v, 0xb1)};
#else
  float in[16], out[16];
  store(in, x);
  for (int i = 0; i < 16; ++i) out[i] = in[i ^ 1];
  return load(out);
#endif
}

inline void rotate_tail(const RopeTable& table, const float* cos_sin, int first, float* head) {
  const int pairs = table.dims() / 2, step = table.interleaved ? 2 : 1, gap = table.interleaved ? 1 : pairs;
  for (int i = first; i < pairs; ++i) {
    const float c = cos_sin[2 * i], s = cos_sin[2 * i + 1], x = head[i * step], y = head[i * step + gap];
    head[i * step] = x * c - y * s;
    head[i * step + gap] = x * s + y * c;
  }
}

// Same arithmetic whatever else is rotated beside it: a pair's place decides how it is rounded.
inline void rotate(const RopeTable& table, const float* cos_sin, float* head) {
  const int pairs = table.dims() / 2;
  int i = 0;
  if (table.interleaved) {
    for (; i + 8 <= pairs; i += 8) {
      F16 c, s;
      spread_angles(cos_sin + 2 * i, c, s);
      const F16 x = load(head + 2 * i);
      store(head + 2 * i, fma(swap_neighbours(x), s, mul(x, c)));
    }
    return rotate_tail(table, cos_sin, i, head);
  }
  for (; i + 16 <= pairs; i += 16) {
    F16 c, s;
    split_pairs(load(cos_sin + 2 * i), load(cos_sin + 2 * i + 16), c, s);
    const F16 x = load(head + i), y = load(head + i + pairs);
    store(head + i, sub(mul(x, c), mul(y, s)));
    store(head + i + pairs, add(mul(x, s), mul(y, c)));
  }
  rotate_tail(table, cos_sin, i, head);
}

}  // namespace frugal::FRUGAL_ISA
