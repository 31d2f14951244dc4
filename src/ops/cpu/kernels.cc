// Fills the kernel table of one instruction set. Compiled once for each (FRUGAL_ISA); see cmake/frugal.cmake.
#include "ops/kernels.h"

#include <array>

#include "ops/cpu/linear_float.inl.h"
#include "ops/cpu/linear_int8.inl.h"
#include "ops/cpu/rows.inl.h"

namespace frugal::FRUGAL_ISA {

void fill_attention(KernelTable& table);  // kernels_attention.cc
void fill_mass(KernelTable& table);       // kernels_mass.cc
void fill_closed(KernelTable& table);     // kernels_kivi.cc

namespace {

// One panel times rows [t0, t0 + M) of a tile: how each (format, form) fills M accumulators.
template <class F>
struct Int8 {
  template <int M>
  static FRUGAL_INLINE void panel(const uint8_t* w, int64_t cols, const uint8_t* tile, int m, int t0, F16 (&acc)[M]) {
    int8_panel<F, M>(w, cols / 32, Int8Tile(tile, cols / 32, m), t0, acc);
  }
};
template <class D>
struct Float {
  template <int M>
  static FRUGAL_INLINE void panel(const uint8_t* w, int64_t cols, const uint8_t* tile, int m, int t0, F16 (&acc)[M]) {
    float_panel<D, M>(w, cols, reinterpret_cast<const float*>(tile), m, t0, acc);
  }
};
#if defined(FRUGAL_ISA_avx512vnni)
template <class P>
struct Pair {
  template <int M>
  static FRUGAL_INLINE void panel(const uint8_t* w, int64_t cols, const uint8_t* tile, int m, int t0, F16 (&acc)[M]) {
    pair_panel<P, M>(w, cols, reinterpret_cast<const uint16_t*>(tile), m, t0, acc);
  }
};
#endif

FRUGAL_INLINE void finish(F16 acc, const Epilogue& e, int64_t row, int n, float* out, int64_t offset) {
  if (e.bias != nullptr) acc = add(acc, load_some(e.bias + row, n));
  if (e.scale != 1.0f) acc = mul(acc, set1(e.scale));
  if (e.residual != nullptr) acc = add(acc, load_some(e.residual + offset, n));
  store_some(out + offset, acc, n);
}

struct LinearArgs {
  const PackedMatrix& w;
  const PackedMatrix* up;  // gated: the second matrix
  Activation act;
  const uint8_t* tile;
  int m;
  int64_t p0, p1;
  const Epilogue& epilogue;
  float* out;
  int64_t stride;
};

template <class K, int M>
__attribute__((noinline)) void rows_of(const LinearArgs& a, int64_t p, int t0) {
  F16 acc[M];
  K::template panel<M>(a.w.panel(p), a.w.cols, a.tile, a.m, t0, acc);
  if (a.up != nullptr) {
    F16 up[M];
    K::template panel<M>(a.up->panel(p), a.w.cols, a.tile, a.m, t0, up);
    for (int t = 0; t < M; ++t) acc[t] = mul(activate(a.act, acc[t]), up[t]);
  }
  const int64_t row = p * kPanel;
  const int n = static_cast<int>(a.w.rows - row < kPanel ? a.w.rows - row : kPanel);
  for (int t = 0; t < M; ++t) finish(acc[t], a.epilogue, row, n, a.out, (t0 + t) * a.stride + row);
}

// Any number of rows, in as few accumulator blocks of about one size as registers hold: a block costs the unpacking of
// the weights once more. The rows' results do not depend on the split.
template <class K>
void run(const LinearArgs& a) {
  constexpr int kMost = kWideRegisters ? kTile : 4;
  static constexpr auto kOf = []<int... M>(std::integer_sequence<int, M...>) {
    return std::array{&rows_of<K, M + 1>...};
  }
  (std::make_integer_sequence<int, kMost>{});
  const int blocks = (a.m + kMost - 1) / kMost;
  for (int64_t p = a.p0; p < a.p1; ++p)
    for (int i = 0; i < blocks; ++i) {
      const int t = a.m * i / blocks, n = a.m * (i + 1) / blocks - t;
      kOf[static_cast<size_t>(n - 1)](a, p, t);
    }
}

using Run = void (*)(const LinearArgs&);

template <class F>
Run quantised(ActForm form) {
  return form == ActForm::kInt8 ? run<Int8<F>> : run<Float<Decode<F>>>;
}

Run runner(DType dtype, ActForm form) {
  switch (dtype) {
    case DType::kQ4_0: return quantised<FmtQ4_0>(form);
    case DType::kQ4_1: return quantised<FmtQ4_1>(form);
    case DType::kQ5_0: return quantised<FmtQ5_0>(form);
    case DType::kQ5_1: return quantised<FmtQ5_1>(form);
    case DType::kQ8_0: return quantised<FmtQ8_0>(form);
    case DType::kQ4_K: return quantised<FmtQ4_K>(form);
    case DType::kQ5_K: return quantised<FmtQ5_K>(form);
    case DType::kQ6_K: return quantised<FmtQ6_K>(form);
#if defined(FRUGAL_ISA_avx512vnni)
    case DType::kF16: return form == ActForm::kBF16 ? run<Pair<PairsF16>> : run<Float<DecodePair<false>>>;
    case DType::kBF16: return form == ActForm::kBF16 ? run<Pair<PairsBF16>> : run<Float<DecodePair<true>>>;
#else
    case DType::kF16: return run<Float<DecodePair<false>>>;
    case DType::kBF16: return run<Float<DecodePair<true>>>;
#endif
    default: return run<Float<DecodeF32>>;
  }
}

void prepare(ActForm form, const float* x, int64_t cols, int64_t first, int64_t last, int t, int m, uint8_t* tile) {
  if (form == ActForm::kInt8) return prepare_int8(x, cols, first, last, t, m, tile);
  if (form == ActForm::kBF16) return prepare_bf16(x + first, last - first, t, m, tile + first * m * 2);
  prepare_f32(x + first, last - first, t, m, tile + first * m * 4);
}

void linear(const PackedMatrix& w, ActForm form, const uint8_t* tile, int m, int64_t p0, int64_t p1,
            const Epilogue& epilogue, float* out, int64_t stride) {
  runner(w.dtype, form)({w, nullptr, Activation::kSilu, tile, m, p0, p1, epilogue, out, stride});
}

void linear_gated(const PackedMatrix& gate, const PackedMatrix& up, Activation act, ActForm form, const uint8_t* tile,
                  int m, int64_t p0, int64_t p1, float* out, int64_t stride) {
  runner(gate.dtype, form)({gate, &up, act, tile, m, p0, p1, Epilogue{}, out, stride});
}

KernelTable make_table() {
  KernelTable t = {};
#define FRUGAL_TEXT2(x) #x
#define FRUGAL_TEXT(x) FRUGAL_TEXT2(x)
  t.name = FRUGAL_TEXT(FRUGAL_ISA);
  t.bf16_dot = kHasBf16Dot;
  t.rms_norm = rms_norm;
  t.rms_factor = rms_factor;
  t.rms_apply = rms_apply;
  t.prepare = prepare;
  t.linear = linear;
  t.linear_gated = linear_gated;
  t.gated = gated;
  t.add = add_rows;
  t.scale = scale_row;
  t.softcap = softcap_row;
  t.log_sum_exp = log_sum_exp;
  fill_attention(t);
  fill_mass(t);
  fill_closed(t);
  return t;
}

}  // namespace

const KernelTable& table() {
  static const KernelTable t = make_table();
  return t;
}

}  // namespace frugal::FRUGAL_ISA
