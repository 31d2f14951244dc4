// The register tiles of attention: queries x 32 keys, and queries x 64 channels, on floats or on bf16 pairs.
//
// A page is decoded once into scratch (floats, or bf16 pairs where the machine multiplies them) and then meets all
// queries of the unit. Per query the order of operations is fixed: channels ascending for scores, rows ascending for
// the weighted sum of values.
#pragma once

#include "ops/cpu/codecs.inl.h"

namespace frugal::FRUGAL_ISA {

// Floats: scratch holds [width][32] for keys, [32][width] for values.
struct FloatForm {
  using Element = float;
  static constexpr int kStep = 1;  // channels (or rows) an operation takes
  static size_t prep_bytes(int width) { return static_cast<size_t>(width) * 4; }
  static void prepare(const float* q, int width, uint8_t* prep) { std::memcpy(prep, q, static_cast<size_t>(width) * 4); }

  template <class S>
  static const float* keys(const uint8_t* page, int width, uint8_t* scratch) {
    if constexpr (std::is_same_v<S, StoreF32>) return reinterpret_cast<const float*>(page);
    float* out = reinterpret_cast<float*>(scratch);
    for (int d = 0; d < width; ++d)
      for (int r = 0; r < kPageRows; r += 16) store(out + d * kPageRows + r, S::key(page, width, d, r));
    return out;
  }
  template <class S>
  static const float* values(const uint8_t* page, int width, uint8_t* scratch) {
    if constexpr (std::is_same_v<S, StoreF32>) return reinterpret_cast<const float*>(page);
    float* out = reinterpret_cast<float*>(scratch);
    for (int r = 0; r < kPageRows; ++r)
      for (int d = 0; d < width; d += 16) store(out + r * width + d, S::value(page, width, r, d));
    return out;
  }
  // Lane group i of step s; and the query's (or probability's) element of that step.
  static FRUGAL_INLINE F16 lanes(const float* p, int stride, int s, int i) { return load(p + s * stride + 16 * i); }
  static FRUGAL_INLINE F16 one(const float* q, int s) { return set1(q[s]); }
  static FRUGAL_INLINE F16 accumulate(F16 acc, F16 lanes, F16 x) { return fma(lanes, x, acc); }
  static const float* probabilities(float* p, int, int) { return p; }
  template <class S>
  static FRUGAL_INLINE F16 key_lanes(const uint8_t* page, int width, int s, int i) { return S::key(page, width, s, 16 * i); }
  template <class S>
  static FRUGAL_INLINE F16 value_lanes(const uint8_t* page, int width, int s, int d) { return S::value(page, width, s, d); }
};

#if defined(FRUGAL_ISA_avx512vnni)
// bf16 pairs: scratch holds [width / 2][32][2] for keys, [16][width][2] for values.
struct PairForm {
  using Element = uint16_t;
  static constexpr int kStep = 2;
  static size_t prep_bytes(int width) { return static_cast<size_t>(width) * 2; }
  static void prepare(const float* q, int width, uint8_t* prep) {
    for (int d = 0; d < width; d += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(prep + d * 2), (__m256i)_mm512_cvtneps_pbh(load(q + d).v));
  }
  template <class S>
  static const uint16_t* keys(const uint8_t* page, int width, uint8_t* scratch) {
    uint16_t* out = reinterpret_cast<uint16_t*>(scratch);
    for (int d = 0; d < width; d += 2)
      for (int r = 0; r < kPageRows; r += 16)
        store_pairs(out + (d / 2 * kPageRows + r) * 2, pairs(S::key(page, width, d, r), S::key(page, width, d + 1, r)));
    return out;
  }
  template <class S>
  static const uint16_t* values(const uint8_t* page, int width, uint8_t* scratch) {
    uint16_t* out = reinterpret_cast<uint16_t*>(scratch);
    for (int r = 0; r < kPageRows; r += 2)
      for (int d = 0; d < width; d += 16)
        store_pairs(out + (r / 2 * width + d) * 2, pairs(S::value(page, width, r, d), S::value(page, width, r + 1, d)));
    return out;
  }
  static FRUGAL_INLINE H32 lanes(const uint16_t* p, int stride, int s, int i) { return load_pairs(p + (s * stride + 16 * i) * 2); }
  static FRUGAL_INLINE H32 one(const uint16_t* q, int s) { return broadcast_pair(q + 2 * s); }
  static FRUGAL_INLINE F16 accumulate(F16 acc, H32 lanes, H32 x) { return dot2(acc, lanes, x); }
  // Rounds n rows of 32 probabilities in place: each row's bf16 values take the first half of its floats.
  static const uint16_t* probabilities(float* p, int stride, int n) {
    for (int i = 0; i < n; ++i) {
      float* row = p + i * stride;
      const __m512bh rounded = _mm512_cvtne2ps_pbh(load(row + 16).v, load(row).v);
      _mm512_storeu_si512(row, (__m512i)rounded);
    }
    return reinterpret_cast<const uint16_t*>(p);
  }
  template <class S>
  static FRUGAL_INLINE H32 key_lanes(const uint8_t* page, int width, int s, int i) {
    return pairs(S::key(page, width, 2 * s, 16 * i), S::key(page, width, 2 * s + 1, 16 * i));
  }
  template <class S>
  static FRUGAL_INLINE H32 value_lanes(const uint8_t* page, int width, int s, int d) {
    return pairs(S::value(page, width, 2 * s, d), S::value(page, width, 2 * s + 1, d));
  }
};
#endif

// Where a tile's lanes come from: a page decoded to scratch (many queries), or the page itself (few).
template <class Form>
struct DecodedKeys {
  const typename Form::Element* p;
  FRUGAL_INLINE auto at(int, int s, int i) const { return Form::lanes(p, kPageRows, s, i); }
};
template <class Form, class S>
struct StoredKeys {
  const uint8_t* page;
  FRUGAL_INLINE auto at(int width, int s, int i) const { return Form::template key_lanes<S>(page, width, s, i); }
};
template <class Form>
struct DecodedValues {
  const typename Form::Element* p;
  FRUGAL_INLINE auto at(int width, int s, int d) const { return Form::lanes(p + d * Form::kStep, width, s, 0); }
};
template <class Form, class S>
struct StoredValues {
  const uint8_t* page;
  FRUGAL_INLINE auto at(int width, int s, int d) const { return Form::template value_lanes<S>(page, width, s, d); }
};

// M queries x 32 keys. Queries lie width elements apart, rows of scores stride floats.
template <class Form, int M, class Keys>
FRUGAL_INLINE void score_tile(const Keys& keys, int width, const typename Form::Element* q, float* scores, int stride) {
  F16 lo[M], hi[M];
  for (int i = 0; i < M; ++i) lo[i] = hi[i] = zero();
  for (int s = 0; s < width / Form::kStep; ++s) {
    const auto a = keys.at(width, s, 0), b = keys.at(width, s, 1);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const auto x = Form::one(q + i * width, s);
      lo[i] = Form::accumulate(lo[i], a, x);
      hi[i] = Form::accumulate(hi[i], b, x);
    }
  }
  for (int i = 0; i < M; ++i) {
    store(scores + i * stride, lo[i]);
    store(scores + i * stride + 16, hi[i]);
  }
}

// M queries x 16 * L channels from d0. Rows of p lie stride elements apart.
template <class Form, int M, int L, class Values>
FRUGAL_INLINE void value_tile(const Values& values, int width, int d0, const typename Form::Element* p, int stride, float* acc) {
  F16 sums[M][L];
  for (int i = 0; i < M; ++i)
    for (int l = 0; l < L; ++l) sums[i][l] = load(acc + i * width + d0 + 16 * l);
  for (int s = 0; s < kPageRows / Form::kStep; ++s) {
    decltype(values.at(width, s, 0)) lanes[L];
#pragma GCC unroll 4
    for (int l = 0; l < L; ++l) lanes[l] = values.at(width, s, d0 + 16 * l);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const auto x = Form::one(p + i * stride, s);
#pragma GCC unroll 4
      for (int l = 0; l < L; ++l) sums[i][l] = Form::accumulate(sums[i][l], lanes[l], x);
    }
  }
  for (int i = 0; i < M; ++i)
    for (int l = 0; l < L; ++l) store(acc + i * width + d0 + 16 * l, sums[i][l]);
}

template <class Form, int M, class Values>
FRUGAL_INLINE void value_rows(const Values& values, int width, const typename Form::Element* p, int stride, float* acc) {
  int d = 0;
  for (; d + 64 <= width; d += 64) value_tile<Form, M, 4>(values, width, d, p, stride, acc);
  for (; d < width; d += 16) value_tile<Form, M, 1>(values, width, d, p, stride, acc);
}

// W: the width where it is a common one, so that addresses are constants; 0: any.
template <class Form, class S, int W>
FRUGAL_INLINE void dot_of(const uint8_t* page, int any_width, const typename Form::Element* q, int n, float* scores, int stride, uint8_t* scratch) {
  const int width = W > 0 ? W : any_width;
  const StoredKeys<Form, S> stored{page};
  if (n == 1) return score_tile<Form, 1>(stored, width, q, scores, stride);
  if (n == 2) return score_tile<Form, 2>(stored, width, q, scores, stride);
  if (n == 3) return score_tile<Form, 3>(stored, width, q, scores, stride);
  if (n == 4) return score_tile<Form, 4>(stored, width, q, scores, stride);
  const DecodedKeys<Form> keys{Form::template keys<S>(page, width, scratch)};
  int i = 0;
  if constexpr (kWideRegisters)
    for (; i + 12 <= n; i += 12) score_tile<Form, 12>(keys, width, q + i * width, scores + i * stride, stride);
  for (; i + 4 <= n; i += 4) score_tile<Form, 4>(keys, width, q + i * width, scores + i * stride, stride);
  for (; i < n; ++i) score_tile<Form, 1>(keys, width, q + i * width, scores + i * stride, stride);
}

template <class Form, class S, int W>
FRUGAL_INLINE void axpy_of(const uint8_t* page, int any_width, const typename Form::Element* p, int stride, int n, float* acc, uint8_t* scratch) {
  const int width = W > 0 ? W : any_width;
  const StoredValues<Form, S> stored{page};
  if (n == 1) return value_rows<Form, 1>(stored, width, p, stride, acc);
  if (n == 2) return value_rows<Form, 2>(stored, width, p, stride, acc);
  if (n == 3) return value_rows<Form, 3>(stored, width, p, stride, acc);
  if (n == 4) return value_rows<Form, 4>(stored, width, p, stride, acc);
  const DecodedValues<Form> values{Form::template values<S>(page, width, scratch)};
  int i = 0;
  if constexpr (kWideRegisters)
    for (; i + 6 <= n; i += 6) value_rows<Form, 6>(values, width, p + i * stride, stride, acc + i * width);
  for (; i + 3 <= n; i += 3) value_rows<Form, 3>(values, width, p + i * stride, stride, acc + i * width);
  for (; i < n; ++i) value_rows<Form, 1>(values, width, p + i * stride, stride, acc + i * width);
}

template <class Form, class S>
void codec_dot(const uint8_t* page, int width, const uint8_t* prep, int n, float* scores, int stride, uint8_t* scratch) {
  const auto* q = reinterpret_cast<const typename Form::Element*>(prep);
  if (width == 64) return dot_of<Form, S, 64>(page, width, q, n, scores, stride, scratch);
  if (width == 128) return dot_of<Form, S, 128>(page, width, q, n, scores, stride, scratch);
  dot_of<Form, S, 0>(page, width, q, n, scores, stride, scratch);
}

template <class Form, class S>
void codec_axpy(const uint8_t* page, int width, float* p, int stride, int n, float* acc, uint8_t* scratch) {
  const auto* x = Form::probabilities(p, stride, n);
  const int step = stride * static_cast<int>(sizeof(float) / sizeof(typename Form::Element));
  if (width == 64) return axpy_of<Form, S, 64>(page, width, x, step, n, acc, scratch);
  if (width == 128) return axpy_of<Form, S, 128>(page, width, x, step, n, acc, scratch);
  axpy_of<Form, S, 0>(page, width, x, step, n, acc, scratch);
}

template <class Form, class S>
constexpr KvCodecKernels make_codec(const char* name) {
  return {name,      S::bytes, S::bytes,         S::k_write,    S::v_write,         S::k_read,
          S::v_read, Form::prep_bytes, Form::prepare, codec_dot<Form, S>, codec_axpy<Form, S>};
}

}  // namespace frugal::FRUGAL_ISA
