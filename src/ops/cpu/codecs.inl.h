// How keys and values lie in a page, and how a page becomes what the tiles multiply.
//
//   f32, f16, bf16   keys [width][32 rows], so that lanes are keys; values [32 rows][width], lanes are channels
//   q8               the same with int8 and, for each row and 32 channels, a scale: [width / 32][32 rows] half floats
//                    before the bytes (largest magnitude / 127)
//
// A storage S decodes 16 lanes: key(page, width, d, r0) = channel d of rows r0..r0+15; value(page, width, r, d0) =
// channels d0..d0+15 of row r.
#pragma once

#include "ops/cpu/vec.h"
#include "ops/kernels.h"

namespace frugal::FRUGAL_ISA {

constexpr int kHeadGroup = 32;  // channels that share a scale

template <typename T, F16 (*Load)(const T*), T (*Narrow)(float), float (*Widen)(T)>
struct PlainStore {
  static size_t bytes(int width) { return static_cast<size_t>(width) * kPageRows * sizeof(T); }
  static FRUGAL_INLINE F16 key(const uint8_t* page, int, int d, int r0) {
    return Load(reinterpret_cast<const T*>(page) + d * kPageRows + r0);
  }
  static FRUGAL_INLINE F16 value(const uint8_t* page, int width, int r, int d0) {
    return Load(reinterpret_cast<const T*>(page) + r * width + d0);
  }
  static void k_write(const float* row, int width, uint8_t* page, int slot) {
    T* p = reinterpret_cast<T*>(page) + slot;
    for (int d = 0; d < width; ++d) p[d * kPageRows] = Narrow(row[d]);
  }
  static void v_write(const float* row, int width, uint8_t* page, int slot) {
    T* p = reinterpret_cast<T*>(page) + slot * width;
    for (int d = 0; d < width; ++d) p[d] = Narrow(row[d]);
  }
  static void k_read(const uint8_t* page, int width, int slot, float* row) {
    const T* p = reinterpret_cast<const T*>(page) + slot;
    for (int d = 0; d < width; ++d) row[d] = Widen(p[d * kPageRows]);
  }
  static void v_read(const uint8_t* page, int width, int slot, float* row) {
    const T* p = reinterpret_cast<const T*>(page) + slot * width;
    for (int d = 0; d < width; ++d) row[d] = Widen(p[d]);
  }
};

FRUGAL_INLINE float same(float x) { return x; }
#if defined(FRUGAL_ISA_portable)
inline uint16_t narrow_f16(float x) { return float_to_f16(x); }
#else
inline uint16_t narrow_f16(float x) { return _cvtss_sh(x, 0); }
#endif
using StoreF32 = PlainStore<float, load, same, same>;
using StoreF16 = PlainStore<uint16_t, load_f16, narrow_f16, f16_to_float>;
using StoreBF16 = PlainStore<uint16_t, load_bf16, float_to_bf16, bf16_to_float>;

struct StoreQ8 {
  static int groups(int width) { return (width + kHeadGroup - 1) / kHeadGroup; }
  static size_t scales(int width) { return static_cast<size_t>(groups(width)) * kPageRows * 2; }
  static size_t bytes(int width) { return scales(width) + static_cast<size_t>(width) * kPageRows; }
  static FRUGAL_INLINE const uint16_t* scale(const uint8_t* page, int d) {
    return reinterpret_cast<const uint16_t*>(page) + d / kHeadGroup * kPageRows;
  }
  static FRUGAL_INLINE F16 key(const uint8_t* page, int width, int d, int r0) {
    const int8_t* q = reinterpret_cast<const int8_t*>(page + scales(width)) + d * kPageRows + r0;
    return mul(load_i8(q), load_f16(scale(page, d) + r0));
  }
  static FRUGAL_INLINE F16 value(const uint8_t* page, int width, int r, int d0) {
    const int8_t* q = reinterpret_cast<const int8_t*>(page + scales(width)) + r * width + d0;
    return mul(load_i8(q), set1(f16_to_float(scale(page, d0)[r])));
  }
  // Row slot with the bytes step apart.
  static void put(const float* row, int width, uint8_t* page, int slot, int8_t* q, int step) {
    for (int d0 = 0; d0 < width; d0 += kHeadGroup) {
      const int n = width - d0 < kHeadGroup ? width - d0 : kHeadGroup;
      float largest = 0;
      for (int d = 0; d < n; ++d) largest = std::max(largest, std::fabs(row[d0 + d]));
      const uint16_t half = narrow_f16(largest / 127.0f);
      const float unit = f16_to_float(half), inverse = unit > 0 ? 1.0f / unit : 0.0f;
      reinterpret_cast<uint16_t*>(page)[d0 / kHeadGroup * kPageRows + slot] = half;
      for (int d = 0; d < n; ++d)
        q[(d0 + d) * step] = static_cast<int8_t>(std::lrintf(std::min(127.0f, std::max(-127.0f, row[d0 + d] * inverse))));
    }
  }
  static void get(const uint8_t* page, int width, int slot, const int8_t* q, int step, float* row) {
    for (int d = 0; d < width; ++d) row[d] = static_cast<float>(q[d * step]) * f16_to_float(scale(page, d)[slot]);
  }
  static void k_write(const float* row, int width, uint8_t* page, int slot) {
    put(row, width, page, slot, reinterpret_cast<int8_t*>(page + scales(width)) + slot, kPageRows);
  }
  static void v_write(const float* row, int width, uint8_t* page, int slot) {
    put(row, width, page, slot, reinterpret_cast<int8_t*>(page + scales(width)) + slot * width, 1);
  }
  static void k_read(const uint8_t* page, int width, int slot, float* row) {
    get(page, width, slot, reinterpret_cast<const int8_t*>(page + scales(width)) + slot, kPageRows, row);
  }
  static void v_read(const uint8_t* page, int width, int slot, float* row) {
    get(page, width, slot, reinterpret_cast<const int8_t*>(page + scales(width)) + slot * width, 1, row);
  }
};

}  // namespace frugal::FRUGAL_ISA
