// Opens closed pages (ops/kivi.h) as the tiles of attention multiply them: floats, or bf16 pairs where there are dot
// products of them. 32 / bits codes lie in each 32-bit lane, so that one load serves several channels or rows.
#include <utility>

#include "ops/cpu/codecs.inl.h"
#include "ops/kivi.h"

namespace frugal::FRUGAL_ISA {
namespace {

template <int Bits, int J>
FRUGAL_INLINE F16 code(B64 x) {
  return to_float(byte_of<0>(band(shift_right<Bits * J>(x), bset1((1 << Bits) - 1))));
}
template <int N, typename F>
FRUGAL_INLINE void each(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) { (f(std::integral_constant<int, I>{}), ...); }(std::make_integer_sequence<int, N>{});
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
      each<kChannels / 2>([&](auto pair) {
        constexpr int j = 2 * decltype(pair)::value;
        To::keys(scratch, d0 + d + j, s.value(code<Bits, 2 * j>(x), d + j, 0), s.value(code<Bits, 2 * j + 1>(x), d + j, 16),
                 s.value(code<Bits, 2 * j + 2>(x), d + j + 1, 0), s.value(code<Bits, 2 * j + 3>(x), d + j + 1, 16));
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
      each<kRows / 2>([&](auto pair) {
        constexpr int j = 2 * decltype(pair)::value;
        const int r = unit * kRows + j;
        To::values(scratch, width, r, d, fma(code<Bits, j>(x), set1(scale[g][r]), set1(base[g][r])),
                   fma(code<Bits, j + 1>(x), set1(scale[g][r + 1]), set1(base[g][r + 1])));
      });
    }
  return scratch;
}

template <class To>
constexpr KvClosedKernels kOpen[] = {{2, open_keys<2, To>, open_values<2, To>}, {4, open_keys<4, To>, open_values<4, To>}};

}  // namespace

void fill_closed(KernelTable& table) {
  table.exact_closed = kOpen<ToFloats>;
#if defined(FRUGAL_ISA_avx512vnni)
  table.closed = kOpen<ToPairs>;
#else
  table.closed = kOpen<ToFloats>;
#endif
  table.closed_count = 2;
}

}  // namespace frugal::FRUGAL_ISA
