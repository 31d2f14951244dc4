// Kernels that work on one row of floats: norm, gated activation, sums.
#pragma once

#include "ops/cpu/vec.h"
#include "ops/kernels.h"

namespace frugal::FRUGAL_ISA {

// Calls f(offset, count) over n floats in steps of 16; count < 16 only at the end.
template <typename Body>
FRUGAL_INLINE void by_lanes(int64_t n, Body f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, kLanes);
  if (i < n) f(i, static_cast<int>(n - i));
}
FRUGAL_INLINE F16 load_some(const float* p, int n) { return n == kLanes ? load(p) : load_n(p, n); }
FRUGAL_INLINE void store_some(float* p, F16 a, int n) { n == kLanes ? store(p, a) : store_n(p, a, n); }

// y = x / sqrt(mean(x^2) + eps) * gain (Zhang and Sennrich 2019, arXiv 1910.07467).
inline float rms_factor(const float* x, float eps, int64_t n) {
  F16 squares = zero();
  by_lanes(n, [&](int64_t i, int k) {
    const F16 v = load_some(x + i, k);
    squares = fma(v, v, squares);
  });
  return 1.0f / std::sqrt(sum(squares) / static_cast<float>(n) + eps);
}
inline void rms_apply(const float* x, const float* gain, float factor, int64_t n, float* y) {
  const F16 scale = set1(factor);
  by_lanes(n, [&](int64_t i, int k) {
    F16 v = mul(load_some(x + i, k), scale);
    if (gain != nullptr) v = mul(v, load_some(gain + i, k));
    store_some(y + i, v, k);
  });
}
inline void rms_norm(const float* x, const float* gain, float eps, int64_t n, float* y) {
  rms_apply(x, gain, rms_factor(x, eps, n), n, y);
}

FRUGAL_INLINE F16 sigmoid(F16 x) { return div(set1(1.0f), add(set1(1.0f), exp(sub(zero(), x)))); }
FRUGAL_INLINE F16 tanh_of(F16 x) { return sub(set1(1.0f), div(set1(2.0f), add(set1(1.0f), exp(add(x, x))))); }

FRUGAL_INLINE F16 activate(Activation act, F16 x) {
  if (act == Activation::kSilu) return mul(x, sigmoid(x));
  if (act == Activation::kGeluTanh) {
    const F16 cube = mul(mul(x, x), x);
    const F16 inner = mul(fma(cube, set1(0.044715f), x), set1(0.7978845608028654f));
    return mul(mul(x, set1(0.5f)), add(set1(1.0f), tanh_of(inner)));
  }
  float lanes[kLanes];
  store(lanes, x);
  for (float& v : lanes) v = 0.5f * v * (1.0f + std::erf(v * 0.70710678f));
  return load(lanes);
}

inline void gated(Activation act, const float* gate, const float* up, int64_t n, float* out) {
  by_lanes(n, [&](int64_t i, int k) {
    store_some(out + i, mul(activate(act, load_some(gate + i, k)), load_some(up + i, k)), k);
  });
}
inline void add_rows(const float* a, const float* b, int64_t n, float* out) {
  by_lanes(n, [&](int64_t i, int k) { store_some(out + i, add(load_some(a + i, k), load_some(b + i, k)), k); });
}
inline void scale_row(const float* a, float s, int64_t n, float* out) {
  by_lanes(n, [&](int64_t i, int k) { store_some(out + i, mul(load_some(a + i, k), set1(s)), k); });
}
inline void softcap_row(const float* a, float cap, int64_t n, float* out) {
  by_lanes(n, [&](int64_t i, int k) {
    store_some(out + i, mul(tanh_of(mul(load_some(a + i, k), set1(1.0f / cap))), set1(cap)), k);
  });
}

inline double log_sum_exp(const float* a, int64_t n) {
  F16 top = set1(-std::numeric_limits<float>::infinity());
  by_lanes(n, [&](int64_t i, int k) {
    for (int j = 0; j < k && k < kLanes; ++j) top = max(top, set1(a[i + j]));
    if (k == kLanes) top = max(top, load(a + i));
  });
  const float largest = max_of(top);
  double total = 0;
  for (int64_t i = 0; i < n; i += 4096) {  // short float sums inside a double one
    const int64_t count = n - i < 4096 ? n - i : 4096;
    F16 part = zero();
    float tail = 0;
    by_lanes(count, [&](int64_t j, int k) {
      const F16 e = exp(sub(load_some(a + i + j, k), set1(largest)));
      if (k == kLanes) {
        part = add(part, e);
      } else {
        float lanes[kLanes];
        store(lanes, e);
        for (int t = 0; t < k; ++t) tail += lanes[t];
      }
    });
    total += static_cast<double>(sum(part)) + static_cast<double>(tail);
  }
  return static_cast<double>(largest) + std::log(total);
}

}  // namespace frugal::FRUGAL_ISA
