// The register tiles of attention over opened pages: queries x 32 keys, and queries x channels, on floats, on bf16
// pairs, or (keys of q8) on bytes.
//
// Per query the order of operations is fixed: channels ascending for scores, rows ascending for the weighted sum of
// values; the number of queries in a tile changes nothing.
#pragma once

#include "ops/attention.h"
#include "ops/cpu/codecs.inl.h"

namespace frugal::FRUGAL_ISA {

// Form: what a tile multiplies. An operation takes kStep channels (or rows) of 16 lanes.
struct FloatForm {
  using Element = float;
  static constexpr int kStep = 1;
  static size_t prep_bytes(int width) { return static_cast<size_t>(width) * 4; }
  static void prepare(const float* q, int width, uint8_t* prep) {
    std::memcpy(prep, q, static_cast<size_t>(width) * 4);
  }
  static FRUGAL_INLINE F16 lanes(const float* p) { return load(p); }
  static FRUGAL_INLINE F16 one(const float* q) { return set1(*q); }
  static FRUGAL_INLINE F16 accumulate(F16 acc, F16 lanes, F16 x) { return fma(lanes, x, acc); }
};

#if defined(FRUGAL_ISA_avx512vnni)
struct PairForm {
  using Element = uint16_t;
  static constexpr int kStep = 2;
  static size_t prep_bytes(int width) { return static_cast<size_t>(width) * 2; }
  static void prepare(const float* q, int width, uint8_t* prep) {
    for (int d = 0; d < width; d += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(prep + d * 2), (__m256i)_mm512_cvtneps_pbh(load(q + d).v));
  }
  static FRUGAL_INLINE H32 lanes(const uint16_t* p) { return load_pairs(p); }
  static FRUGAL_INLINE H32 one(const uint16_t* q) { return broadcast_pair(q); }
  static FRUGAL_INLINE F16 accumulate(F16 acc, H32 lanes, H32 x) { return dot2(acc, lanes, x); }
};
#endif

template <int M>
struct Count {
  static constexpr int value = M;
};
// Splits n queries into tiles: calls f(Count<M>, first) for M = Most as often as it fits, then 4, then what is left.
template <int Most, typename F>
FRUGAL_INLINE void by_tiles(int n, F f) {
  int i = 0;
  if constexpr (Most > 4)
    for (; i + Most <= n; i += Most) f(Count<Most>{}, i);
  if constexpr (Most >= 4)
    for (; i + 4 <= n; i += 4) f(Count<4>{}, i);
  for (; i + 3 <= n; i += 3) f(Count<3>{}, i);
  if (n - i == 2) f(Count<2>{}, i);
  if (n - i == 1) f(Count<1>{}, i);
}
constexpr int kScoreTile = kWideRegisters ? 12 : 3, kValueTile = kWideRegisters ? 6 : 3,
              kValueLanes = kWideRegisters ? 4 : 2;

// M queries x 32 keys.
template <class Form, int M>
FRUGAL_INLINE void score_tile(const typename Form::Element* keys, int width, const typename Form::Element* q,
                              float* scores) {
  F16 lo[M], hi[M];
  for (int i = 0; i < M; ++i) lo[i] = hi[i] = zero();
  for (int d = 0; d < width; d += Form::kStep) {
    const auto a = Form::lanes(keys + d * kPageRows), b = Form::lanes(keys + d * kPageRows + 16 * Form::kStep);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const auto x = Form::one(q + i * width + d);
      lo[i] = Form::accumulate(lo[i], a, x);
      hi[i] = Form::accumulate(hi[i], b, x);
    }
  }
  for (int i = 0; i < M; ++i) {
    store(scores + i * kAttendRows, lo[i]);
    store(scores + i * kAttendRows + 16, hi[i]);
  }
}

// M queries x 16 * L channels from d0, over count pages of values.
template <class Form, int M, int L>
FRUGAL_INLINE void value_tile(const uint8_t* const* pages, int count, int width, int d0, const float* weights,
                              float* acc) {
  using E = typename Form::Element;
  F16 sums[M][L];
  for (int i = 0; i < M; ++i)
    for (int l = 0; l < L; ++l) sums[i][l] = zero();
  constexpr int kRow = kAttendRows * static_cast<int>(sizeof(float) / sizeof(E));
  const E* p = reinterpret_cast<const E*>(weights);
  for (int page = 0; page < count; ++page) {
    const E* v = reinterpret_cast<const E*>(pages[page]) + d0 * Form::kStep;
    for (int r = 0; r < kPageRows; r += Form::kStep, v += width * Form::kStep, p += Form::kStep) {
      decltype(Form::lanes(v)) lanes[L];
#pragma GCC unroll 4
      for (int l = 0; l < L; ++l) lanes[l] = Form::lanes(v + 16 * l * Form::kStep);
#pragma GCC unroll 16
      for (int i = 0; i < M; ++i) {
        const auto x = Form::one(p + i * kRow);
#pragma GCC unroll 4
        for (int l = 0; l < L; ++l) sums[i][l] = Form::accumulate(sums[i][l], lanes[l], x);
      }
    }
  }
  for (int i = 0; i < M; ++i)
    for (int l = 0; l < L; ++l) store(acc + i * width + d0 + 16 * l, sums[i][l]);
}

// W: the width where it is a common one, so that addresses are constants; 0: any.
template <class Form, int W>
void dot_of(const uint8_t* keys, int any_width, const uint8_t* prep, int n, float* scores) {
  using E = typename Form::Element;
  const int width = W > 0 ? W : any_width;
  const E *k = reinterpret_cast<const E*>(keys), *q = reinterpret_cast<const E*>(prep);
  by_tiles<kScoreTile>(n, [&](auto m, int i) {
    score_tile<Form, decltype(m)::value>(k, width, q + i * width, scores + i * kAttendRows);
  });
}
template <class Form>
void dot(const uint8_t* keys, int width, const uint8_t* prep, int n, float* scores) {
  if (width == 64) return dot_of<Form, 64>(keys, width, prep, n, scores);
  if (width == 128) return dot_of<Form, 128>(keys, width, prep, n, scores);
  dot_of<Form, 0>(keys, width, prep, n, scores);
}

template <class Form>
void axpy(const uint8_t* const* values, int count, int width, const float* p, int n, float* acc) {
  by_tiles<kValueTile>(n, [&](auto m, int i) {
    constexpr int M = decltype(m)::value;
    int d = 0;
    for (; d + 16 * kValueLanes <= width; d += 16 * kValueLanes)
      value_tile<Form, M, kValueLanes>(values, count, width, d, p + i * kAttendRows, acc + i * width);
    for (; d < width; d += 16) value_tile<Form, M, 1>(values, count, width, d, p + i * kAttendRows, acc + i * width);
  });
}

#if defined(FRUGAL_ISA_avx512vnni)
// Keys of q8 as they are stored, against queries quantised in the same way: int8 q[width], then for each group of 32
// channels its scale and -128 times the sum of its codes, which takes the keys' offset away again. Sums are exact
// within a group.
struct ByteKeys {
  struct Group {
    float unit;
    int32_t offset;
  };
  static size_t prep_bytes(int width) {
    return static_cast<size_t>(width) + static_cast<size_t>(StoreQ8::groups(width)) * sizeof(Group);
  }
  static void prepare(const float* q, int width, uint8_t* prep) {
    int8_t* codes = reinterpret_cast<int8_t*>(prep);
    Group* groups = reinterpret_cast<Group*>(prep + width);
    for (int d0 = 0; d0 < width; d0 += kHeadGroup) {
      const bool full = width - d0 > 16;
      const F16 a = load(q + d0), b = full ? load(q + d0 + 16) : zero();
      const float largest = max_of(max(abs(a), abs(b)));
      const F16 inverse = set1(largest > 0 ? 127.0f / largest : 0.0f);
      const F16 x = round_even(mul(a, inverse)), y = round_even(mul(b, inverse));
      store_i8(codes + d0, x);
      if (full) store_i8(codes + d0 + 16, y);
      groups[d0 / kHeadGroup] = {largest / 127.0f, -128 * static_cast<int32_t>(sum(add(x, y)))};
    }
  }

  template <int M>
  static FRUGAL_INLINE void tile(const uint8_t* page, int width, const uint8_t* prep, size_t stride, float* scores) {
    const uint8_t* keys = page + StoreQ8::scales(width);
    F16 lo[M], hi[M];
    for (int i = 0; i < M; ++i) lo[i] = hi[i] = zero();
    for (int d0 = 0; d0 < width; d0 += kHeadGroup) {
      auto group = [&](int i) {
        return reinterpret_cast<const Group*>(prep + static_cast<size_t>(i) * stride + width)[d0 / kHeadGroup];
      };
      I16 a[M], b[M];
      for (int i = 0; i < M; ++i) a[i] = b[i] = iset1(group(i).offset);
      const int end = width - d0 < kHeadGroup ? width : d0 + kHeadGroup;
      for (int d = d0; d < end; d += 4) {
        const B64 k0 = load_bytes(keys + d * kPageRows), k1 = load_bytes(keys + d * kPageRows + 64);
#pragma GCC unroll 16
        for (int i = 0; i < M; ++i) {
          const B64 q = broadcast4(prep + static_cast<size_t>(i) * stride + d);
          a[i] = dot4(a[i], k0, q);
          b[i] = dot4(b[i], k1, q);
        }
      }
      const F16 u0 = load_f16(StoreQ8::scale(page, d0)), u1 = load_f16(StoreQ8::scale(page, d0) + 16);
      for (int i = 0; i < M; ++i) {
        const F16 unit = set1(group(i).unit);
        lo[i] = fma(to_float(a[i]), mul(u0, unit), lo[i]);
        hi[i] = fma(to_float(b[i]), mul(u1, unit), hi[i]);
      }
    }
    for (int i = 0; i < M; ++i) {
      store(scores + i * kAttendRows, lo[i]);
      store(scores + i * kAttendRows + 16, hi[i]);
    }
  }
  static const uint8_t* open(const uint8_t* page, int, uint8_t*) { return page; }
  static void dot(const uint8_t* page, int width, const uint8_t* prep, int n, float* scores) {
    const size_t stride = prep_bytes(width);
    by_tiles<6>(n, [&](auto m, int i) {
      tile<decltype(m)::value>(page, width, prep + static_cast<size_t>(i) * stride, stride, scores + i * kAttendRows);
    });
  }
};
#endif

// Scores of a closed page of keys, met as it is; false where it must be opened.
inline bool meets_closed_keys(const AttendUnit& u, int64_t page, const uint8_t* prep, int n, float* scores) {
  const uint8_t form = u.k_forms != nullptr ? u.k_forms[page] : 0;
  return form != 0 && u.k_closed->k_dot != nullptr &&
         u.k_closed->k_dot(u.pages[page] + u.k_offset, u.k_width, form, prep, n, scores);
}

// A unit's page in the form that its tiles multiply.
inline const uint8_t* open_key_page(const AttendUnit& u, int64_t page, uint8_t* scratch) {
  const uint8_t *p = u.pages[page] + u.k_offset, form = u.k_forms != nullptr ? u.k_forms[page] : 0;
  return form == 0 ? u.k->k_open(p, u.k_width, scratch) : u.k_closed->k_open(p, u.k_width, form, scratch);
}
inline const uint8_t* open_value_page(const AttendUnit& u, int64_t page, uint8_t* scratch) {
  const uint8_t *p = (u.v_pages != nullptr ? u.v_pages : u.pages)[page] + u.v_offset,
                form = u.v_forms != nullptr ? u.v_forms[page] : 0;
  return form == 0 ? u.v->v_open(p, u.v_width, scratch) : u.v_closed->v_open(p, u.v_width, form, u.v_group, scratch);
}

}  // namespace frugal::FRUGAL_ISA
