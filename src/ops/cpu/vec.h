// Sixteen lanes, whatever the machine: the vocabulary in which every CPU kernel is written once.
//
// This header is compiled once for each instruction set (FRUGAL_ISA_portable, _avx2, _avx512, _avx512vnni; see
// cmake/frugal.cmake), inside a namespace of that name. F16 holds 16 floats, I16 holds 16 int32, B64 holds 64 bytes
// seen as 16 groups of four. Reductions have one fixed order, so a kernel's result depends on its inputs alone.
// Integer results are the same on every instruction set; float results are the same within one.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/half.h"

#if defined(FRUGAL_ISA_avx2) || defined(FRUGAL_ISA_avx512) || defined(FRUGAL_ISA_avx512vnni)
#include <immintrin.h>
#endif
#if defined(FRUGAL_ISA_avx512) || defined(FRUGAL_ISA_avx512vnni)
#define FRUGAL_VEC512 1
#endif

#define FRUGAL_INLINE inline __attribute__((always_inline))

namespace frugal::FRUGAL_ISA {

constexpr int kLanes = 16;

// The sum of sixteen int8.
FRUGAL_INLINE int sum16(const int8_t* p) {
#if defined(FRUGAL_ISA_portable)
  int total = 0;
  for (int i = 0; i < 16; ++i) total += p[i];
  return total;
#else
  const __m128i unsigned_bytes =
      _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(-128));
  const __m128i halves = _mm_sad_epu8(unsigned_bytes, _mm_setzero_si128());
  return _mm_cvtsi128_si32(halves) + _mm_extract_epi16(halves, 4) - 16 * 128;
#endif
}
#if defined(FRUGAL_VEC512)
constexpr bool kWideRegisters = true;  // 32 registers of 64 bytes: 12 rows of accumulators fit
#else
constexpr bool kWideRegisters = false;
#endif

#if defined(FRUGAL_VEC512)

struct F16 {
  __m512 v;
};
struct I16 {
  __m512i v;
};
struct B64 {
  __m512i v;
};

FRUGAL_INLINE F16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
FRUGAL_INLINE F16 load_n(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p)};
}
FRUGAL_INLINE void store(float* p, F16 a) { _mm512_storeu_ps(p, a.v); }
FRUGAL_INLINE void store_n(float* p, F16 a, int n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), a.v);
}
FRUGAL_INLINE F16 set1(float x) { return {_mm512_set1_ps(x)}; }
FRUGAL_INLINE F16 zero() { return {_mm512_setzero_ps()}; }
FRUGAL_INLINE F16 add(F16 a, F16 b) { return {_mm512_add_ps(a.v, b.v)}; }
FRUGAL_INLINE F16 sub(F16 a, F16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
FRUGAL_INLINE F16 mul(F16 a, F16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
FRUGAL_INLINE F16 div(F16 a, F16 b) { return {_mm512_div_ps(a.v, b.v)}; }
FRUGAL_INLINE F16 fma(F16 a, F16 b, F16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
FRUGAL_INLINE F16 max(F16 a, F16 b) { return {_mm512_max_ps(a.v, b.v)}; }
FRUGAL_INLINE F16 min(F16 a, F16 b) { return {_mm512_min_ps(a.v, b.v)}; }
FRUGAL_INLINE F16 abs(F16 a) { return {_mm512_abs_ps(a.v)}; }
FRUGAL_INLINE F16 round_even(F16 a) { return {_mm512_roundscale_ps(a.v, 8)}; }
FRUGAL_INLINE float sum(F16 a) { return _mm512_reduce_add_ps(a.v); }
FRUGAL_INLINE float max_of(F16 a) { return _mm512_reduce_max_ps(a.v); }
// 2^n for whole n in [-126, 127].
FRUGAL_INLINE F16 exp2i(F16 n) { return {_mm512_scalef_ps(_mm512_set1_ps(1.0f), n.v)}; }
// value where x >= limit, else exactly 0
FRUGAL_INLINE F16 zero_below(F16 x, F16 limit, F16 value) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, limit.v, _CMP_GE_OQ), value.v)};
}
FRUGAL_INLINE F16 load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
FRUGAL_INLINE void store_f16(uint16_t* p, F16 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, 0));
}
FRUGAL_INLINE F16 load_bf16(const uint16_t* p) {
  __m512i w = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(w, 16))};
}
FRUGAL_INLINE F16 load_i8(const int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
FRUGAL_INLINE F16 load_u8(const uint8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
// Rounds to nearest even and stores as int8; |a| <= 127.
FRUGAL_INLINE void store_i8(int8_t* p, F16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a.v)));
}

FRUGAL_INLINE I16 iset1(int32_t x) { return {_mm512_set1_epi32(x)}; }
FRUGAL_INLINE I16 iadd(I16 a, I16 b) { return {_mm512_add_epi32(a.v, b.v)}; }
FRUGAL_INLINE I16 imul(I16 a, I16 b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
FRUGAL_INLINE F16 to_float(I16 a) { return {_mm512_cvtepi32_ps(a.v)}; }

FRUGAL_INLINE B64 load_bytes(const void* p) { return {_mm512_loadu_si512(p)}; }
FRUGAL_INLINE B64 bset1(uint8_t x) { return {_mm512_set1_epi8(static_cast<char>(x))}; }
FRUGAL_INLINE B64 band(B64 a, B64 b) { return {_mm512_and_si512(a.v, b.v)}; }
// Bits of a where mask has them, else of b.
FRUGAL_INLINE B64 merge_bits(B64 mask, B64 a, B64 b) { return {_mm512_ternarylogic_epi32(mask.v, a.v, b.v, 0xca)}; }
template <int N>
FRUGAL_INLINE B64 shift_right(B64 a) {
  return {_mm512_srli_epi32(a.v, N)};
}  // 32-bit groups: mask afterwards
template <int N>
FRUGAL_INLINE B64 shift_left(B64 a) {
  return {_mm512_slli_epi32(a.v, N)};
}
// Byte J of every group, unsigned.
template <int J>
FRUGAL_INLINE I16 byte_of(B64 x) {
  return {_mm512_and_si512(_mm512_srli_epi32(x.v, 8 * J), _mm512_set1_epi32(255))};
}
// Four signed bytes in every group.
FRUGAL_INLINE B64 broadcast4(const void* p) {
  int32_t x;
  std::memcpy(&x, p, 4);
  return {_mm512_set1_epi32(x)};
}
// acc[i] += sum over j of unsigned(w[4i + j]) * signed(a[4i + j]), exact.
FRUGAL_INLINE I16 dot4(I16 acc, B64 w, B64 a) {
#if defined(FRUGAL_ISA_avx512vnni)
  return {_mm512_dpbusd_epi32(acc.v, w.v, a.v)};
#else
  const __m512i low = _mm512_set1_epi16(0xff);
  __m512i we = _mm512_and_si512(w.v, low), wo = _mm512_srli_epi16(w.v, 8);
  __m512i ae = _mm512_srai_epi16(_mm512_slli_epi16(a.v, 8), 8), ao = _mm512_srai_epi16(a.v, 8);
  return {_mm512_add_epi32(acc.v, _mm512_add_epi32(_mm512_madd_epi16(we, ae), _mm512_madd_epi16(wo, ao)))};
#endif
}

#elif defined(FRUGAL_ISA_avx2)

struct F16 {
  __m256 a, b;
};
struct I16 {
  __m256i a, b;
};
struct B64 {
  __m256i a, b;
};

FRUGAL_INLINE F16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
FRUGAL_INLINE void store(float* p, F16 x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
FRUGAL_INLINE F16 load_n(const float* p, int n) {
  float t[16] = {};
  std::memcpy(t, p, static_cast<size_t>(n) * 4);
  return load(t);
}
FRUGAL_INLINE void store_n(float* p, F16 x, int n) {
  float t[16];
  store(t, x);
  std::memcpy(p, t, static_cast<size_t>(n) * 4);
}
FRUGAL_INLINE F16 set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
FRUGAL_INLINE F16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
FRUGAL_INLINE F16 add(F16 x, F16 y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
FRUGAL_INLINE F16 sub(F16 x, F16 y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
FRUGAL_INLINE F16 mul(F16 x, F16 y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
FRUGAL_INLINE F16 div(F16 x, F16 y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
FRUGAL_INLINE F16 fma(F16 x, F16 y, F16 z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
FRUGAL_INLINE F16 max(F16 x, F16 y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
FRUGAL_INLINE F16 min(F16 x, F16 y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
FRUGAL_INLINE F16 abs(F16 x) {
  const __m256 m = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  return {_mm256_and_ps(x.a, m), _mm256_and_ps(x.b, m)};
}
FRUGAL_INLINE F16 round_even(F16 x) { return {_mm256_round_ps(x.a, 8), _mm256_round_ps(x.b, 8)}; }
FRUGAL_INLINE float sum(F16 x) {
  __m256 t = _mm256_add_ps(x.a, x.b);
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(t), _mm256_extractf128_ps(t, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
FRUGAL_INLINE float max_of(F16 x) {
  __m256 t = _mm256_max_ps(x.a, x.b);
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(t), _mm256_extractf128_ps(t, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}
FRUGAL_INLINE __m256 exp2i_half(__m256 n) {
  __m256i e = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_castsi256_ps(e);
}
FRUGAL_INLINE F16 exp2i(F16 n) { return {exp2i_half(n.a), exp2i_half(n.b)}; }
FRUGAL_INLINE F16 zero_below(F16 x, F16 limit, F16 value) {
  return {_mm256_and_ps(_mm256_cmp_ps(x.a, limit.a, _CMP_GE_OQ), value.a),
          _mm256_and_ps(_mm256_cmp_ps(x.b, limit.b, _CMP_GE_OQ), value.b)};
}
FRUGAL_INLINE F16 load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
}
FRUGAL_INLINE void store_f16(uint16_t* p, F16 x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.a, 0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(x.b, 0));
}
FRUGAL_INLINE __m256 bf16_half(const uint16_t* p) {
  __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(w, 16));
}
FRUGAL_INLINE F16 load_bf16(const uint16_t* p) { return {bf16_half(p), bf16_half(p + 8)}; }
FRUGAL_INLINE F16 load_i8(const int8_t* p) {
  __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(x, 8)))};
}
FRUGAL_INLINE F16 load_u8(const uint8_t* p) {
  __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(x)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(x, 8)))};
}
FRUGAL_INLINE void store_i8(int8_t* p, F16 x) {
  int32_t t[16];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(t), _mm256_cvtps_epi32(x.a));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(t + 8), _mm256_cvtps_epi32(x.b));
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(t[i]);
}

FRUGAL_INLINE I16 iset1(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
FRUGAL_INLINE I16 iadd(I16 x, I16 y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
FRUGAL_INLINE I16 imul(I16 x, I16 y) { return {_mm256_mullo_epi32(x.a, y.a), _mm256_mullo_epi32(x.b, y.b)}; }
FRUGAL_INLINE F16 to_float(I16 x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }

FRUGAL_INLINE B64 load_bytes(const void* p) {
  const __m256i* q = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
}
FRUGAL_INLINE B64 bset1(uint8_t x) {
  __m256i v = _mm256_set1_epi8(static_cast<char>(x));
  return {v, v};
}
FRUGAL_INLINE B64 band(B64 x, B64 y) { return {_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
FRUGAL_INLINE __m256i merge_bits(__m256i mask, __m256i a, __m256i b) {
  return _mm256_or_si256(_mm256_and_si256(mask, a), _mm256_andnot_si256(mask, b));
}
FRUGAL_INLINE B64 merge_bits(B64 mask, B64 a, B64 b) {
  return {merge_bits(mask.a, a.a, b.a), merge_bits(mask.b, a.b, b.b)};
}
template <int N>
FRUGAL_INLINE B64 shift_right(B64 x) {
  return {_mm256_srli_epi32(x.a, N), _mm256_srli_epi32(x.b, N)};
}
template <int N>
FRUGAL_INLINE B64 shift_left(B64 x) {
  return {_mm256_slli_epi32(x.a, N), _mm256_slli_epi32(x.b, N)};
}
FRUGAL_INLINE B64 broadcast4(const void* p) {
  int32_t x;
  std::memcpy(&x, p, 4);
  return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
template <int J>
FRUGAL_INLINE I16 byte_of(B64 x) {
  const __m256i low = _mm256_set1_epi32(255);
  return {_mm256_and_si256(_mm256_srli_epi32(x.a, 8 * J), low), _mm256_and_si256(_mm256_srli_epi32(x.b, 8 * J), low)};
}
FRUGAL_INLINE __m256i dot4_half(__m256i acc, __m256i w, __m256i a) {
  const __m256i low = _mm256_set1_epi16(0xff);
  __m256i we = _mm256_and_si256(w, low), wo = _mm256_srli_epi16(w, 8);
  __m256i ae = _mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8), ao = _mm256_srai_epi16(a, 8);
  return _mm256_add_epi32(acc, _mm256_add_epi32(_mm256_madd_epi16(we, ae), _mm256_madd_epi16(wo, ao)));
}
FRUGAL_INLINE I16 dot4(I16 acc, B64 w, B64 a) { return {dot4_half(acc.a, w.a, a.a), dot4_half(acc.b, w.b, a.b)}; }

#else  // portable: plain loops that a compiler turns into whatever the target has

typedef float Float16 __attribute__((vector_size(64)));
typedef int32_t Int16 __attribute__((vector_size(64)));
struct F16 {
  Float16 v;
};
struct I16 {
  Int16 v;
};
typedef uint32_t Group16 __attribute__((vector_size(64)));
struct B64 {
  Group16 v;
};  // byte j of group i: bits 8j of lane i

template <typename T, typename F>
FRUGAL_INLINE T make16(F f) {
  T r;
  for (int i = 0; i < 16; ++i) r.v[i] = f(i);
  return r;
}
FRUGAL_INLINE F16 load(const float* p) {
  F16 r;
  std::memcpy(&r.v, p, 64);
  return r;
}
FRUGAL_INLINE void store(float* p, F16 x) { std::memcpy(p, &x.v, 64); }
FRUGAL_INLINE F16 load_n(const float* p, int n) {
  return make16<F16>([&](int i) { return i < n ? p[i] : 0.0f; });
}
FRUGAL_INLINE void store_n(float* p, F16 x, int n) { std::memcpy(p, &x.v, static_cast<size_t>(n) * 4); }
FRUGAL_INLINE F16 set1(float x) { return {Float16{} + x}; }
FRUGAL_INLINE F16 zero() { return {Float16{}}; }
FRUGAL_INLINE F16 add(F16 x, F16 y) { return {x.v + y.v}; }
FRUGAL_INLINE F16 sub(F16 x, F16 y) { return {x.v - y.v}; }
FRUGAL_INLINE F16 mul(F16 x, F16 y) { return {x.v * y.v}; }
FRUGAL_INLINE F16 div(F16 x, F16 y) { return {x.v / y.v}; }
FRUGAL_INLINE F16 fma(F16 x, F16 y, F16 z) { return {x.v * y.v + z.v}; }
FRUGAL_INLINE F16 max(F16 x, F16 y) { return {x.v > y.v ? x.v : y.v}; }
FRUGAL_INLINE F16 min(F16 x, F16 y) { return {x.v < y.v ? x.v : y.v}; }
FRUGAL_INLINE F16 abs(F16 x) { return {x.v < 0.0f ? -x.v : x.v}; }
FRUGAL_INLINE F16 round_even(F16 x) {
  return make16<F16>([&](int i) { return std::nearbyintf(x.v[i]); });
}
FRUGAL_INLINE float sum(F16 x) {
  float t[16];
  store(t, x);
  for (int w = 8; w > 0; w /= 2)
    for (int i = 0; i < w; ++i) t[i] += t[i + w];
  return t[0];
}
FRUGAL_INLINE float max_of(F16 x) {
  float m = x.v[0];
  for (int i = 1; i < 16; ++i) m = m > x.v[i] ? m : x.v[i];
  return m;
}
FRUGAL_INLINE F16 exp2i(F16 n) {
  const Int16 e = (__builtin_convertvector(n.v, Int16) + 127) << 23;
  return {(Float16)e};
}
FRUGAL_INLINE F16 zero_below(F16 x, F16 limit, F16 value) { return {x.v >= limit.v ? value.v : Float16{}}; }
FRUGAL_INLINE F16 load_f16(const uint16_t* p) {
  return make16<F16>([&](int i) { return f16_to_float(p[i]); });
}
FRUGAL_INLINE void store_f16(uint16_t* p, F16 x) {
  for (int i = 0; i < 16; ++i) p[i] = float_to_f16(x.v[i]);
}
FRUGAL_INLINE F16 load_bf16(const uint16_t* p) {
  return make16<F16>([&](int i) { return bf16_to_float(p[i]); });
}
FRUGAL_INLINE F16 load_i8(const int8_t* p) {
  return make16<F16>([&](int i) { return static_cast<float>(p[i]); });
}
FRUGAL_INLINE F16 load_u8(const uint8_t* p) {
  return make16<F16>([&](int i) { return static_cast<float>(p[i]); });
}
FRUGAL_INLINE void store_i8(int8_t* p, F16 x) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(std::nearbyintf(x.v[i]));
}
FRUGAL_INLINE I16 iset1(int32_t x) { return {Int16{} + x}; }
FRUGAL_INLINE I16 iadd(I16 x, I16 y) { return {x.v + y.v}; }
FRUGAL_INLINE I16 imul(I16 x, I16 y) { return {x.v * y.v}; }
FRUGAL_INLINE F16 to_float(I16 x) { return {__builtin_convertvector(x.v, Float16)}; }
FRUGAL_INLINE B64 load_bytes(const void* p) {
  B64 r;
  std::memcpy(&r.v, p, 64);
  return r;
}
FRUGAL_INLINE B64 bset1(uint8_t x) { return {Group16{} + 0x01010101u * x}; }
FRUGAL_INLINE B64 band(B64 x, B64 y) { return {x.v & y.v}; }
FRUGAL_INLINE B64 merge_bits(B64 mask, B64 a, B64 b) { return {(mask.v & a.v) | (~mask.v & b.v)}; }
template <int N>
FRUGAL_INLINE B64 shift_right(B64 x) {
  return {x.v >> N};
}
template <int N>
FRUGAL_INLINE B64 shift_left(B64 x) {
  return {x.v << N};
}
FRUGAL_INLINE B64 broadcast4(const void* p) {
  uint32_t x;
  std::memcpy(&x, p, 4);
  return {Group16{} + x};
}
template <int J>
FRUGAL_INLINE I16 byte_of(B64 x) {
  return {(Int16)((x.v >> (8 * J)) & 255u)};
}
template <int J>
FRUGAL_INLINE Int16 product(B64 w, B64 a) {
  return byte_of<J>(w).v * ((Int16)(a.v << (24 - 8 * J)) >> 24);
}
FRUGAL_INLINE I16 dot4(I16 acc, B64 w, B64 a) {
  return {acc.v + product<0>(w, a) + product<1>(w, a) + product<2>(w, a) + product<3>(w, a)};
}

#endif

// e^x, relative error below 2e-7 over the range of floats; exactly 0 below -87.3, so that masked scores vanish.
FRUGAL_INLINE F16 exp(F16 arg) {
  const F16 lowest = set1(-87.3f);
  F16 x = max(min(arg, set1(88.0f)), lowest);
  F16 n = round_even(mul(x, set1(1.44269504088896341f)));
  F16 r = fma(n, set1(-0.693359375f), x);
  r = fma(n, set1(2.12194440e-4f), r);
  F16 p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  p = fma(p, mul(r, r), add(r, set1(1.0f)));
  return zero_below(arg, lowest, mul(p, exp2i(n)));
}

// Are there bf16 dot products? pairs(lo, hi) rounds to bf16 and lays lane i of lo beside lane i of hi.
#if defined(FRUGAL_ISA_avx512vnni)
constexpr bool kHasBf16Dot = true;
struct H32 {
  __m512bh v;
};  // 16 groups of two bf16
FRUGAL_INLINE H32 pairs(F16 lo, F16 hi) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return {(__m512bh)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(hi.v, lo.v))};
}
FRUGAL_INLINE H32 load_pairs(const void* p) { return {(__m512bh)_mm512_loadu_si512(p)}; }
FRUGAL_INLINE void store_pairs(void* p, H32 a) { _mm512_storeu_si512(p, (__m512i)a.v); }
FRUGAL_INLINE H32 broadcast_pair(const void* p) {
  int32_t x;
  std::memcpy(&x, p, 4);
  return {(__m512bh)_mm512_set1_epi32(x)};
}
// acc[i] += a[2i] * b[2i] + a[2i+1] * b[2i+1] in the instruction's own order and rounding.
FRUGAL_INLINE F16 dot2(F16 acc, H32 a, H32 b) { return {_mm512_dpbf16_ps(acc.v, a.v, b.v)}; }
#else
constexpr bool kHasBf16Dot = false;
#endif

}  // namespace frugal::FRUGAL_ISA
