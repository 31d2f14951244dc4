// How keys and values lie in a page, and how a page is opened: turned into what the tiles multiply.
//
//   f32         keys [width][32 rows], so that lanes are keys; values [32 rows][width], lanes are channels
//   f16, bf16   the same in pairs that bf16 dot products take as they are: keys [width / 2][32 rows][2 channels],
//               values [16][width][2 rows]
//   q8          int8 with a scale for each row and 32 channels (largest magnitude / 127), [width / 32][32 rows] half
//               floats before the bytes; keys [width / 4][32 rows][4 channels] + 128, values [16][width][2 rows]
//
// Opened pages: floats [width][32] and [32][width], or bf16 pairs [width / 2][32][2] and [16][width][2].
#pragma once

#include "ops/cpu/vec.h"
#include "ops/kernels.h"

namespace frugal::FRUGAL_ISA {

constexpr int kHeadGroup = 32;  // channels that share a scale

// Where channel d of row r lies in pairs of channels (keys), and in pairs of rows (values).
FRUGAL_INLINE int key_pair(int d, int r) { return (d / 2 * kPageRows + r) * 2 + d % 2; }
FRUGAL_INLINE int value_pair(int width, int r, int d) { return (r / 2 * width + d) * 2 + r % 2; }

// Even and odd lanes of the 32 floats {a, b}.
FRUGAL_INLINE void split_pairs(F16 a, F16 b, F16& even, F16& odd) {
#if defined(FRUGAL_VEC512)
  const __m512i pick = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  even = {_mm512_permutex2var_ps(a.v, pick, b.v)};
  odd = {_mm512_permutex2var_ps(a.v, _mm512_add_epi32(pick, _mm512_set1_epi32(1)), b.v)};
#else
  float both[32], lanes[2][16];
  store(both, a);
  store(both + 16, b);
  for (int i = 0; i < 32; ++i) lanes[i % 2][i / 2] = both[i];
  even = load(lanes[0]);
  odd = load(lanes[1]);
#endif
}
// n cells, step apart, from place a of one array to place b of another.
template <typename T>
FRUGAL_INLINE void copy_cells(const uint8_t* from, int n, int step, int a, uint8_t* to, int b) {
  const T* x = reinterpret_cast<const T*>(from) + a;
  T* y = reinterpret_cast<T*>(to) + b;
  for (int i = 0; i < n; ++i) y[i * step] = x[i * step];
}

struct StoreF32 {
  static size_t bytes(int width) { return static_cast<size_t>(width) * kPageRows * 4; }
  static float* at(uint8_t* page) { return reinterpret_cast<float*>(page); }
  static const float* at(const uint8_t* page) { return reinterpret_cast<const float*>(page); }
  static void k_write(const float* row, int width, uint8_t* page, int slot) {
    for (int d = 0; d < width; ++d) at(page)[d * kPageRows + slot] = row[d];
  }
  static void v_write(const float* row, int width, uint8_t* page, int slot) {
    std::memcpy(at(page) + slot * width, row, static_cast<size_t>(width) * 4);
  }
  static void k_read(const uint8_t* page, int width, int slot, float* row) {
    for (int d = 0; d < width; ++d) row[d] = at(page)[d * kPageRows + slot];
  }
  static void v_read(const uint8_t* page, int width, int slot, float* row) {
    std::memcpy(row, at(page) + slot * width, static_cast<size_t>(width) * 4);
  }
  static void k_copy(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot) {
    copy_cells<float>(page, width, kPageRows, slot, to, to_slot);
  }
  static void v_copy(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot) {
    std::memcpy(at(to) + to_slot * width, at(page) + slot * width, static_cast<size_t>(width) * 4);
  }
  static const uint8_t* k_floats(const uint8_t* page, int, uint8_t*) { return page; }
  static const uint8_t* v_floats(const uint8_t* page, int, uint8_t*) { return page; }
};

struct HalfIEEE {
  static constexpr float kLargest = 65504.0f;
  static FRUGAL_INLINE F16 widen(const uint16_t* p) { return load_f16(p); }
  static FRUGAL_INLINE F16 fit(F16 x) { return max(min(x, set1(kLargest)), set1(-kLargest)); }
  static FRUGAL_INLINE void narrow(const float* x, uint16_t* out) { store_f16(out, fit(load(x))); }
  static FRUGAL_INLINE float one(uint16_t h) { return f16_to_float(h); }
};
struct HalfBrain {
  static FRUGAL_INLINE F16 widen(const uint16_t* p) { return load_bf16(p); }
  static FRUGAL_INLINE void narrow(const float* x, uint16_t* out) {
#if defined(FRUGAL_ISA_avx512vnni)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), (__m256i)_mm512_cvtneps_pbh(load(x).v));
#else
    for (int i = 0; i < 16; ++i) out[i] = float_to_bf16(x[i]);
#endif
  }
  static FRUGAL_INLINE float one(uint16_t h) { return bf16_to_float(h); }
};

// Half floats beyond the largest are stored as the largest: what no query sees is multiplied by zero all the same, and
// zero times infinity is not zero.
template <class Half>
struct StoreHalf {
  static size_t bytes(int width) { return static_cast<size_t>(width) * kPageRows * 2; }
  static void k_write(const float* row, int width, uint8_t* page, int slot) {
    uint32_t* out = reinterpret_cast<uint32_t*>(page) + slot;
    for (int d = 0; d < width; d += 16) {
      uint16_t h[16];
      Half::narrow(row + d, h);
      for (int i = 0; i < 16; i += 2) std::memcpy(out + (d + i) / 2 * kPageRows, h + i, 4);
    }
  }
  static void v_write(const float* row, int width, uint8_t* page, int slot) {
    uint16_t* out = reinterpret_cast<uint16_t*>(page) + value_pair(width, slot, 0);
    for (int d = 0; d < width; d += 16) {
      uint16_t h[16];
      Half::narrow(row + d, h);
      for (int i = 0; i < 16; ++i) out[2 * (d + i)] = h[i];
    }
  }
  static void k_read(const uint8_t* page, int width, int slot, float* row) {
    const uint16_t* p = reinterpret_cast<const uint16_t*>(page);
    for (int d = 0; d < width; ++d) row[d] = Half::one(p[key_pair(d, slot)]);
  }
  static void v_read(const uint8_t* page, int width, int slot, float* row) {
    const uint16_t* p = reinterpret_cast<const uint16_t*>(page);
    for (int d = 0; d < width; ++d) row[d] = Half::one(p[value_pair(width, slot, d)]);
  }
  static void k_copy(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot) {
    copy_cells<uint32_t>(page, width / 2, kPageRows, slot, to, to_slot);
  }
  static void v_copy(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot) {
    copy_cells<uint16_t>(page, width, 2, value_pair(width, slot, 0), to, value_pair(width, to_slot, 0));
  }
  static const uint8_t* k_floats(const uint8_t* page, int width, uint8_t* scratch) {
    const uint16_t* p = reinterpret_cast<const uint16_t*>(page);
    float* out = reinterpret_cast<float*>(scratch);
    for (int d = 0; d < width; d += 2)
      for (int r = 0; r < kPageRows; r += 16, p += 32) split(p, out + d * kPageRows + r, kPageRows);
    return scratch;
  }
  static const uint8_t* v_floats(const uint8_t* page, int width, uint8_t* scratch) {
    const uint16_t* p = reinterpret_cast<const uint16_t*>(page);
    float* out = reinterpret_cast<float*>(scratch);
    for (int r = 0; r < kPageRows; r += 2)
      for (int d = 0; d < width; d += 16, p += 32) split(p, out + r * width + d, width);
    return scratch;
  }
  static FRUGAL_INLINE void split(const uint16_t* p, float* out, int step) {
    F16 even, odd;
    split_pairs(Half::widen(p), Half::widen(p + 16), even, odd);
    store(out, even);
    store(out + step, odd);
  }
};
using StoreF16 = StoreHalf<HalfIEEE>;
using StoreBF16 = StoreHalf<HalfBrain>;

struct StoreQ8 {
  static int groups(int width) { return (width + kHeadGroup - 1) / kHeadGroup; }
  static size_t scales(int width) { return static_cast<size_t>(groups(width)) * kPageRows * 2; }
  static size_t bytes(int width) { return scales(width) + static_cast<size_t>(width) * kPageRows; }
  // The scales of all rows for channel d.
  static FRUGAL_INLINE const uint16_t* scale(const uint8_t* page, int d) {
    return reinterpret_cast<const uint16_t*>(page) + d / kHeadGroup * kPageRows;
  }
  static FRUGAL_INLINE int key(int d, int r) { return (d / 4 * kPageRows + r) * 4 + d % 4; }

  // The codes of one group of n channels, 16 or 32; its scale as it is stored.
  static FRUGAL_INLINE uint16_t quantise(const float* x, int n, int8_t* codes) {
    const F16 a = load(x), b = n > 16 ? load(x + 16) : zero();
    const float largest = max_of(max(abs(a), abs(b))) * (1.0f / 127.0f);
    const uint16_t half = float_to_f16(largest < HalfIEEE::kLargest ? largest : HalfIEEE::kLargest);
    const float unit = f16_to_float(half);
    const F16 inverse = set1(unit > 0 ? 1.0f / unit : 0.0f), most = set1(127.0f);
    store_i8(codes, max(min(mul(a, inverse), most), sub(zero(), most)));
    if (n > 16) store_i8(codes + 16, max(min(mul(b, inverse), most), sub(zero(), most)));
    return half;
  }
  // place(d): where channel d's code goes; offset: what is added to it.
  template <typename Place>
  static void put(const float* row, int width, uint8_t* page, int slot, int offset, Place place) {
    uint8_t* out = page + scales(width);
    for (int d0 = 0; d0 < width; d0 += kHeadGroup) {
      int8_t codes[kHeadGroup];
      const int n = width - d0 < kHeadGroup ? width - d0 : kHeadGroup;
      reinterpret_cast<uint16_t*>(page)[d0 / kHeadGroup * kPageRows + slot] = quantise(row + d0, n, codes);
      for (int d = 0; d < n; ++d) out[place(d0 + d)] = static_cast<uint8_t>(codes[d] + offset);
    }
  }
  static void k_write(const float* row, int width, uint8_t* page, int slot) {
    put(row, width, page, slot, 128, [&](int d) { return key(d, slot); });
  }
  static void v_write(const float* row, int width, uint8_t* page, int slot) {
    put(row, width, page, slot, 0, [&](int d) { return value_pair(width, slot, d); });
  }
  static void k_read(const uint8_t* page, int width, int slot, float* row) {
    const uint8_t* q = page + scales(width);
    for (int d = 0; d < width; ++d)
      row[d] = static_cast<float>(q[key(d, slot)] - 128) * f16_to_float(scale(page, d)[slot]);
  }
  static void v_read(const uint8_t* page, int width, int slot, float* row) {
    const int8_t* q = reinterpret_cast<const int8_t*>(page + scales(width));
    for (int d = 0; d < width; ++d)
      row[d] = static_cast<float>(q[value_pair(width, slot, d)]) * f16_to_float(scale(page, d)[slot]);
  }

  static void copy_scales(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot) {
    copy_cells<uint16_t>(page, groups(width), kPageRows, slot, to, to_slot);
  }
  static void k_copy(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot) {
    copy_scales(page, width, slot, to, to_slot);
    copy_cells<uint32_t>(page + scales(width), width / 4, kPageRows, slot, to + scales(width), to_slot);
  }
  static void v_copy(const uint8_t* page, int width, int slot, uint8_t* to, int to_slot) {
    copy_scales(page, width, slot, to, to_slot);
    copy_cells<uint8_t>(page + scales(width), width, 2, value_pair(width, slot, 0), to + scales(width),
                        value_pair(width, to_slot, 0));
  }

  template <int J>
  static FRUGAL_INLINE void key_byte(B64 codes, F16 unit, float* out) {
    store(out + J * kPageRows, mul(sub(to_float(byte_of<J>(codes)), set1(128.0f)), unit));
  }
  static const uint8_t* k_floats(const uint8_t* page, int width, uint8_t* scratch) {
    const uint8_t* q = page + scales(width);
    for (int d = 0; d < width; d += 4)
      for (int r = 0; r < kPageRows; r += 16, q += 64) {
        float* out = reinterpret_cast<float*>(scratch) + d * kPageRows + r;
        const B64 codes = load_bytes(q);
        const F16 unit = load_f16(scale(page, d) + r);
        key_byte<0>(codes, unit, out);
        key_byte<1>(codes, unit, out);
        key_byte<2>(codes, unit, out);
        key_byte<3>(codes, unit, out);
      }
    return scratch;
  }
  static const uint8_t* v_floats(const uint8_t* page, int width, uint8_t* scratch) {
    const int8_t* q = reinterpret_cast<const int8_t*>(page + scales(width));
    float* out = reinterpret_cast<float*>(scratch);
    for (int r = 0; r < kPageRows; r += 2)
      for (int d = 0; d < width; d += 16, q += 32) {
        F16 even, odd;
        split_pairs(load_i8(q), load_i8(q + 16), even, odd);
        store(out + r * width + d, mul(even, set1(f16_to_float(scale(page, d)[r]))));
        store(out + (r + 1) * width + d, mul(odd, set1(f16_to_float(scale(page, d)[r + 1]))));
      }
    return scratch;
  }
};

#if defined(FRUGAL_ISA_avx512vnni)
FRUGAL_INLINE H32 join(F16 low, F16 high) { return {_mm512_cvtne2ps_pbh(high.v, low.v)}; }

// Opening pages as bf16 pairs. The order in memory is already right, so keys and values of half floats are one case.
inline const uint8_t* pairs_of_f16(const uint8_t* page, int width, uint8_t* scratch) {
  const uint16_t* p = reinterpret_cast<const uint16_t*>(page);
  uint16_t* out = reinterpret_cast<uint16_t*>(scratch);
#pragma GCC unroll 4
  for (int i = 0; i < width * kPageRows; i += 32) store_pairs(out + i, join(load_f16(p + i), load_f16(p + i + 16)));
  return scratch;
}
inline const uint8_t* pairs_of_bf16(const uint8_t* page, int, uint8_t*) { return page; }

// Values of q8, two rows side by side, times the scales of the two.
inline const uint8_t* pairs_of_q8(const uint8_t* page, int width, uint8_t* scratch) {
  const int8_t* q = reinterpret_cast<const int8_t*>(page + StoreQ8::scales(width));
  uint16_t* out = reinterpret_cast<uint16_t*>(scratch);
  const int groups = StoreQ8::groups(width);
  float units[1024 / kHeadGroup][kPageRows];
  for (int g = 0; g < groups; ++g)
    for (int r = 0; r < kPageRows; r += 16) store(units[g] + r, load_f16(StoreQ8::scale(page, g * kHeadGroup) + r));
  for (int r = 0; r < kPageRows; r += 2)
    for (int d = 0; d < width; d += 16, q += 32, out += 32) {
      double two;
      std::memcpy(&two, &units[d / kHeadGroup][r], 8);
      const F16 unit = {_mm512_castpd_ps(_mm512_set1_pd(two))};
      store_pairs(out, join(mul(load_i8(q), unit), mul(load_i8(q + 16), unit)));
    }
  return scratch;
}
#endif

}  // namespace frugal::FRUGAL_ISA
