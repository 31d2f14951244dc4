// Closed pages (ops/kivi.h) in attention: opened as its tiles multiply them, floats or bf16 pairs, or met as they are
// where there are bf16 dot products. 32 / bits codes lie in each 32-bit lane, so that one load serves several channels
// or rows.
#include <utility>

#include "ops/cpu/attend_tiles.inl.h"
#include "ops/kivi.h"

namespace frugal::FRUGAL_ISA {
namespace {

template <int Bits, int J>
FRUGAL_INLINE F16 code(B64 x) {
  return to_float(byte_of<0>(band(shift_right<Bits * J>(x), bset1((1 << Bits) - 1))));
}
template <int N, typename F>
FRUGAL_INLINE void each(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

// Where opened pages go: the rows of two channels (keys), or the channels of two rows (values).
struct ToFloats {
  static FRUGAL_INLINE void keys(uint8_t* out, int d, F16 a_low, F16 a_high, F16 b_low, F16 b_high) {
    float* p = reinterpret_cast<float*>(out) + d * kPageRows;
    store(p, a_low), store(p + 16, a_high), store(p + 32, b_low), store(p + 48, b_high);
  }
  static FRUGAL_INLINE void values(uint8_t* out, int width, int r, int d, F16 a, F16 b) {
    float* p = reinterpret_cast<float*>(out) + r * width + d;
    store(p, a), store(p + width, b);
  }
};
#if defined(FRUGAL_ISA_avx512vnni)
struct ToPairs {
  static FRUGAL_INLINE void keys(uint8_t* out, int d, F16 a_low, F16 a_high, F16 b_low, F16 b_high) {
    uint16_t* p = reinterpret_cast<uint16_t*>(out) + d * kPageRows;
    store_pairs(p, pairs(a_low, b_low)), store_pairs(p + 32, pairs(a_high, b_high));
  }
  static FRUGAL_INLINE void values(uint8_t* out, int width, int r, int d, F16 a, F16 b) {
    store_pairs(reinterpret_cast<uint16_t*>(out) + value_pair(width, r, d), pairs(a, b));
  }
};
#endif

// The parameters of 16 channels, of each set; which rows are a set's own, as ones and zeros.
struct KeySets {
  int n;
  float scale[kMostKiviSets][16], base[kMostKiviSets][16];
  float own[kMostKiviSets][kPageRows];
  KeySets(const KiviForm& f, const uint8_t* page, uint8_t form) : n(kivi_sets(form)) {
    for (int s = 0; s < n && n > 1; ++s)
      for (int r = 0; r < kPageRows; ++r) own[s][r] = f.key_set(form, page, r) == s ? 1.0f : 0.0f;
  }
  void load_channels(const uint16_t* params, int width, int d0) {
    for (int s = 0; s < n; ++s, params += 2 * width) {
      store(scale[s], load_f16(params + d0));
      store(base[s], load_f16(params + width + d0));
    }
  }
  FRUGAL_INLINE F16 of(const float (*p)[16], int d, int row) const {
    if (n == 1) return set1(p[0][d]);
    F16 x = mul(set1(p[0][d]), load(own[0] + row));
    for (int s = 1; s < n; ++s) x = fma(set1(p[s][d]), load(own[s] + row), x);
    return x;
  }
  FRUGAL_INLINE F16 value(F16 codes, int d, int row) const { return fma(codes, of(scale, d, row), of(base, d, row)); }
};

template <int Bits, class To>
const uint8_t* open_keys(const uint8_t* page, int width, uint8_t form, uint8_t* scratch) {
  constexpr int kChannels = 16 / Bits;
  const KiviForm f{Bits, kPageRows, width, width};
  KeySets s(f, page, form);
  const uint16_t* params = reinterpret_cast<const uint16_t*>(page);
  const uint8_t* codes = page + f.key_codes(form);
  for (int d0 = 0; d0 < width; d0 += 16) {
    s.load_channels(params, width, d0);
    for (int d = 0; d < 16; d += kChannels, codes += 64) {
      const B64 x = load_bytes(codes);
      each<kChannels / 2>([&](auto pair) __attribute__((always_inline)) {
        constexpr int j = 2 * decltype(pair)::value;
        To::keys(scratch, d0 + d + j, s.value(code<Bits, 2 * j>(x), d + j, 0),
                 s.value(code<Bits, 2 * j + 2>(x), d + j, 16), s.value(code<Bits, 2 * j + 1>(x), d + j + 1, 0),
                 s.value(code<Bits, 2 * j + 3>(x), d + j + 1, 16));
      });
    }
  }
  return scratch;
}

template <int Bits, class To>
const uint8_t* open_values(const uint8_t* page, int width, int groups, int group, uint8_t* scratch) {
  constexpr int kRows = 32 / Bits;
  float scale[1024 / 16][kPageRows], base[1024 / 16][kPageRows];
  const uint16_t* params = reinterpret_cast<const uint16_t*>(page);
  for (int g = 0; g < groups; ++g)
    for (int r = 0; r < kPageRows; r += 16) {
      store(scale[g] + r, load_f16(params + g * kPageRows + r));
      store(base[g] + r, load_f16(params + (groups + g) * kPageRows + r));
    }
  const uint8_t* codes = page + static_cast<size_t>(groups) * 128;
  for (int unit = 0; unit < Bits; ++unit)
    for (int d = 0; d < width; d += 16, codes += 64) {
      const B64 x = load_bytes(codes);
      const int g = d / group < groups ? d / group : groups - 1;
      each<kRows / 2>([&](auto pair) __attribute__((always_inline)) {
        constexpr int j = 2 * decltype(pair)::value;
        const int r = unit * kRows + j;
        To::values(scratch, width, r, d, fma(code<Bits, j>(x), set1(scale[g][r]), set1(base[g][r])),
                   fma(code<Bits, j + 1>(x), set1(scale[g][r + 1]), set1(base[g][r + 1])));
      });
    }
  return scratch;
}

#if defined(FRUGAL_ISA_avx512vnni)
// Keys and values met as they are stored. With x' = code * scale + base,
//   q . k' = sum of (q_d scale_d) code_d + sum of q_d base_d,     sum of p_r v'_r = sum of (p_r scale_r) code_r + sum
//   of p_r base_r,
// so scales go into the query (or the weights), once a page, and codes become pairs of bf16 by one look-up.
constexpr int kMostDirectSets = 4;

// The J-th two codes of every lane as a pair of bf16, exact.
template <int Bits, int J>
FRUGAL_INLINE H32 code_pair(B64 x, __m512i low, __m512i high) {
  if constexpr (Bits == 2) return {(__m512bh)_mm512_permutexvar_epi32(_mm512_srli_epi32(x.v, 4 * J), low)};
  return {(__m512bh)_mm512_or_si512(_mm512_permutexvar_epi32(_mm512_srli_epi32(x.v, 8 * J), low),
                                    _mm512_permutexvar_epi32(_mm512_srli_epi32(x.v, 8 * J + 4), high))};
}
// 2 bits: entry i is the pair (i % 4, i / 4). 4 bits: entry i is the code i in the low half, or in the high one.
template <int Bits>
struct CodeTables {
  __m512i low, high;
  CodeTables() {
    alignas(64) uint32_t a[16], b[16];
    for (uint32_t i = 0; i < 16; ++i) {
      const auto half = [](uint32_t code) { return static_cast<uint32_t>(float_to_bf16(static_cast<float>(code))); };
      a[i] = Bits == 2 ? half(i % 4) | half(i / 4) << 16 : half(i);
      b[i] = half(i) << 16;
    }
    low = _mm512_load_si512(a), high = _mm512_load_si512(b);
  }
};
FRUGAL_INLINE void store_bf16(uint16_t* out, F16 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), (__m256i)_mm512_cvtneps_pbh(x.v));
}

template <int Bits, int M>
FRUGAL_INLINE void dot_set(const uint8_t* codes, const uint16_t* params, int width, const uint16_t* q,
                           const CodeTables<Bits>& t, float* scores) {
  uint16_t scaled[M][1024];
  F16 low[M], high[M];
#pragma GCC unroll 6
  for (int i = 0; i < M; ++i) {
    F16 base = zero();
    for (int d = 0; d < width; d += 16) {
      const F16 x = load_bf16(q + i * width + d);
      store_bf16(scaled[i] + d, mul(x, load_f16(params + d)));
      base = fma(x, load_f16(params + width + d), base);
    }
    low[i] = high[i] = set1(sum(base));
  }
  constexpr int kChannels = 16 / Bits;
  for (int d = 0; d < width; d += kChannels, codes += 64) {
    const B64 x = load_bytes(codes);
    each<kChannels / 2>([&](auto pair) __attribute__((always_inline)) {
      constexpr int j = decltype(pair)::value;
      const H32 a = code_pair<Bits, 2 * j>(x, t.low, t.high), b = code_pair<Bits, 2 * j + 1>(x, t.low, t.high);
#pragma GCC unroll 6
      for (int i = 0; i < M; ++i) {
        const H32 y = broadcast_pair(scaled[i] + d + 2 * j);
        low[i] = dot2(low[i], a, y), high[i] = dot2(high[i], b, y);
      }
    });
  }
#pragma GCC unroll 6
  for (int i = 0; i < M; ++i) store(scores + i * kAttendRows, low[i]), store(scores + i * kAttendRows + 16, high[i]);
}

template <int Bits>
bool dot_keys(const uint8_t* page, int width, uint8_t form, const uint8_t* prep, int n, float* scores) {
  const KiviForm f{Bits, kPageRows, width, width};
  const int sets = kivi_sets(form);
  if (sets > kMostDirectSets) return false;
  static const CodeTables<Bits> tables;
  const uint16_t *params = reinterpret_cast<const uint16_t*>(page), *q = reinterpret_cast<const uint16_t*>(prep);
  for (int s = 0; s < sets; ++s)
    by_tiles<6>(n, [&](auto m, int i) {
      constexpr int M = decltype(m)::value;
      float* out = scores + i * kAttendRows;
      if (s == 0) return dot_set<Bits, M>(page + f.key_codes(form), params, width, q + i * width, tables, out);
      float own[M * kAttendRows];
      dot_set<Bits, M>(page + f.key_codes(form), params + 2 * s * width, width, q + i * width, tables, own);
      for (int r = 0; r < kPageRows; ++r)
        for (int j = 0; j < M && f.key_set(form, page, r) == s; ++j)
          out[j * kAttendRows + r] = own[j * kAttendRows + r];
    });
  return true;
}

// M queries x 16 L channels from d.
template <int Bits, int M, int L>
FRUGAL_INLINE void weigh_lanes(const uint8_t* codes, int width, int d, const uint16_t (*scaled)[kPageRows],
                               const float* base, const CodeTables<Bits>& t, float* acc) {
  constexpr int kRows = 32 / Bits;
  F16 sums[M][L];
#pragma GCC unroll 6
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int l = 0; l < L; ++l) sums[i][l] = add(load(acc + i * width + d + 16 * l), set1(base[i]));
  for (int unit = 0; unit < Bits; ++unit) {
    B64 x[L];
#pragma GCC unroll 2
    for (int l = 0; l < L; ++l) x[l] = load_bytes(codes + static_cast<size_t>(4 * (unit * width + d + 16 * l)));
    each<kRows / 2>([&](auto pair) __attribute__((always_inline)) {
      constexpr int j = decltype(pair)::value;
      H32 v[L];
#pragma GCC unroll 2
      for (int l = 0; l < L; ++l) v[l] = code_pair<Bits, j>(x[l], t.low, t.high);
#pragma GCC unroll 6
      for (int i = 0; i < M; ++i) {
        const H32 y = broadcast_pair(scaled[i] + unit * kRows + 2 * j);
#pragma GCC unroll 2
        for (int l = 0; l < L; ++l) sums[i][l] = dot2(sums[i][l], v[l], y);
      }
    });
  }
#pragma GCC unroll 6
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int l = 0; l < L; ++l) store(acc + i * width + d + 16 * l, sums[i][l]);
}

template <int Bits, int M>
FRUGAL_INLINE void axpy_tile(const uint8_t* page, int width, int groups, int group, const float* p,
                             const CodeTables<Bits>& t, float* acc) {
  const uint16_t* params = reinterpret_cast<const uint16_t*>(page);
  const uint8_t* codes = page + static_cast<size_t>(groups) * 128;
  for (int g = 0; g < groups; ++g) {
    uint16_t scaled[M][kPageRows];
    float base[M];
#pragma GCC unroll 6
    for (int i = 0; i < M; ++i) {
      const uint16_t* weights = reinterpret_cast<const uint16_t*>(p + i * kAttendRows);
      const F16 a = load_bf16(weights), b = load_bf16(weights + 16);
      store_bf16(scaled[i], mul(a, load_f16(params + g * kPageRows)));
      store_bf16(scaled[i] + 16, mul(b, load_f16(params + g * kPageRows + 16)));
      const uint16_t* low = params + (groups + g) * kPageRows;
      base[i] = sum(fma(a, load_f16(low), mul(b, load_f16(low + 16))));
    }
    const int last = g + 1 < groups ? (g + 1) * group : width;
    int d = g * group;
    for (; Bits == 4 && d + 32 <= last; d += 32)
      weigh_lanes<Bits, M, 2>(codes, width, d, scaled, base, t, acc);  // more sums at once
    for (; d < last; d += 16) weigh_lanes<Bits, M, 1>(codes, width, d, scaled, base, t, acc);
  }
}

template <int Bits>
void axpy_values(const uint8_t* page, int width, int groups, int group, const float* p, int n, float* acc) {
  static const CodeTables<Bits> tables;
  by_tiles<6>(n, [&](auto m, int i) {
    axpy_tile<Bits, decltype(m)::value>(page, width, groups, group, p + i * kAttendRows, tables, acc + i * width);
  });
}

template <int Bits>
constexpr KvClosedKernels kFastOf = {Bits, open_keys<Bits, ToPairs>, open_values<Bits, ToPairs>, dot_keys<Bits>,
                                     axpy_values<Bits>};
constexpr KvClosedKernels kFast[] = {kFastOf<2>, kFastOf<4>};
#endif

template <int Bits>
constexpr KvClosedKernels kPlainOf = {Bits, open_keys<Bits, ToFloats>, open_values<Bits, ToFloats>, nullptr, nullptr};
constexpr KvClosedKernels kPlain[] = {kPlainOf<2>, kPlainOf<4>};

}  // namespace

void fill_closed(KernelTable& table) {
  table.exact_closed = kPlain;
#if defined(FRUGAL_ISA_avx512vnni)
  table.closed = kFast;
#else
  table.closed = kPlain;
#endif
  table.closed_count = 2;
}

}  // namespace frugal::FRUGAL_ISA
