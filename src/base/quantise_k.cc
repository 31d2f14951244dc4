// Quantisers of the super-blocks of 256 (Q2_K to Q6_K): groups of 16 or 32 get a small integer scale (and minimum) of
// their own, relative to one half-precision scale a super-block.
//
// Problem: levels, group scales and the super-block's scale depend on each other, and rounding to the extreme value
// wastes levels on outliers. The published reference (the K-quants of llama.cpp, 2023) proceeds in three passes, which
// are followed here so that files come out at the same quality:
//  1. each group alone: try a handful of scales around the one its extreme sets, round, solve the least squares for
//     scale (and minimum) in closed form given the levels, keep the best by weighted error. The weight of x is x^2
//     (Q3_K, Q6_K), |x| + rms (Q4_K, Q5_K) or |x| with absolute errors (Q2_K): large weights matter more.
//  2. round the groups' scales to 4 or 6 bits (8 for Q6_K) against the largest;
//  3. choose the levels again for the rounded scales.
// Q3_K's first pass refines levels one at a time instead of trying scales.
//
// Cost: about 20 rounds over the data; a few nanoseconds an element. Blocks are independent.
#include "base/quantise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/half.h"

namespace frugal {
namespace {

constexpr int kSuper = 256;
constexpr float kNothing = 1e-15f;  // groups below this are all zero

// v rounded half to even, within [low, high]; not-a-number becomes low.
inline int nearest(float v, int low, int high) {
  if (!(v > static_cast<float>(low))) return low;
  if (v >= static_cast<float>(high)) return high;
  return static_cast<int>(std::bit_cast<uint32_t>(v + 12582912.0f)) - 0x4b400000;
}

// Writes value as a half and returns what was written.
float put_half(float value, uint8_t* out) {
  const uint16_t h = float_to_f16(value);
  std::memcpy(out, &h, 2);
  return f16_to_float(h);
}

template <int N>
float extreme(const float* x) {
  float e = 0.0f;
  for (int k = 0; k < N; ++k)
    if (std::fabs(x[k]) > std::fabs(e)) e = x[k];
  return e;
}

// Sums for x ~ scale * q with weights x^2: scale = xq / qq.
struct Fit {
  float xq = 0.0f, qq = 0.0f;
  void add(float x, int q) {
    const float w = x * x, f = static_cast<float>(q);
    xq += w * x * f;
    qq += w * f * f;
  }
  float scale() const { return qq > 0.0f ? xq / qq : 0.0f; }
};

// The scale for levels in [-Half, Half) with the least weighted error among 19 candidates (Q6_K's first pass).
template <int N, int Half>
float search_symmetric(const float* x) {
  const float e = extreme<N>(x);
  if (std::fabs(e) < kNothing) return 0.0f;
  auto fit_of = [&](float inverse) {
    Fit fit;
    for (int k = 0; k < N; ++k) fit.add(x[k], nearest(inverse * x[k], -Half, Half - 1));
    return fit;
  };
  const Fit first = fit_of(-static_cast<float>(Half) / e);
  float scale = first.scale(), best = scale * first.xq;
  for (int step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const Fit fit = fit_of(-(static_cast<float>(Half) + 0.1f * static_cast<float>(step)) / e);
    if (fit.qq > 0.0f && fit.xq * fit.xq > best * fit.qq) {
      scale = fit.scale();
      best = scale * fit.xq;
    }
  }
  return scale;
}

// Levels from the extreme, then up to five rounds in which each level moves if the fit gains (Q3_K's first pass).
template <int N, int Half>
float refine_symmetric(const float* x) {
  const float e = extreme<N>(x);
  if (std::fabs(e) < kNothing) return 0.0f;
  int q[N];
  Fit fit;
  for (int k = 0; k < N; ++k) fit.add(x[k], q[k] = nearest(-static_cast<float>(Half) / e * x[k], -Half, Half - 1));
  for (int round = 0, moved = 1; round < 5 && moved > 0; ++round) {
    moved = 0;
    for (int k = 0; k < N; ++k) {
      const float w = x[k] * x[k], old = static_cast<float>(q[k]);
      Fit rest{fit.xq - w * x[k] * old, fit.qq - w * old * old};
      if (!(rest.xq > 0.0f)) continue;
      const int level = nearest(x[k] * rest.qq / rest.xq, -Half, Half - 1);
      if (level == q[k]) continue;
      rest.add(x[k], level);
      if (!(rest.qq > 0.0f && rest.xq * rest.xq * fit.qq > fit.xq * fit.xq * rest.qq)) continue;
      q[k] = level;
      fit = rest;
      ++moved;
    }
  }
  return fit.scale();
}

struct Affine {
  float scale = 0.0f, minimum = 0.0f;  // x ~ scale * q - minimum, neither negative
};

// How an affine search goes: candidate inverse scales are (top + first + 0.1 step) / range for step 0 .. steps.
struct Search {
  int top;
  float first;
  int steps;
  bool absolute;  // error |d| instead of d^2
};

template <int N>
float affine_error(const float* x, const float* w, const float* q, float scale, float low, bool absolute) {
  float error = 0.0f;
  for (int k = 0; k < N; ++k) {
    const float d = scale * q[k] + low - x[k];
    error += w[k] * (absolute ? std::fabs(d) : d * d);
  }
  return error;
}

// The best least-squares line over the candidates' levels; sum_w and sum_x are the weighted sums of 1 and x.
template <int N>
Affine search_affine(const float* x, const float* w, const Search& how) {
  float sum_w = 0.0f, sum_x = 0.0f;
  for (int k = 0; k < N; ++k) {
    sum_w += w[k];
    sum_x += w[k] * x[k];
  }
  const auto [lowest, highest] = std::minmax_element(x, x + N);
  const float high = *highest;
  float low = std::min(*lowest, 0.0f);  // later candidates round from the best line so far
  if (high == low) return {0.0f, -low};
  float q[N];
  auto round_with = [&](float inverse) {
    for (int k = 0; k < N; ++k) q[k] = static_cast<float>(nearest(inverse * (x[k] - low), 0, how.top));
  };
  const float inverse = static_cast<float>(how.top) / (high - low);
  round_with(inverse);
  Affine best{1.0f / inverse, -low};
  float best_error = affine_error<N>(x, w, q, best.scale, low, how.absolute);
  for (int step = 0; step <= how.steps; ++step) {
    round_with((how.first + 0.1f * static_cast<float>(step) + static_cast<float>(how.top)) / (high - low));
    float sum_q = 0.0f, sum_qq = 0.0f, sum_xq = 0.0f;
    for (int k = 0; k < N; ++k) {
      sum_q += w[k] * q[k];
      sum_qq += w[k] * q[k] * q[k];
      sum_xq += w[k] * q[k] * x[k];
    }
    const float determinant = sum_w * sum_qq - sum_q * sum_q;
    if (!(determinant > 0.0f)) continue;
    float scale = (sum_w * sum_xq - sum_x * sum_q) / determinant;
    float offset = (sum_qq * sum_x - sum_q * sum_xq) / determinant;
    if (offset > 0.0f) {  // minima are stored unsigned: the line must not start above zero
      offset = 0.0f;
      scale = sum_xq / sum_qq;
    }
    const float error = affine_error<N>(x, w, q, scale, offset, how.absolute);
    if (error < best_error) {
      best_error = error;
      best = {scale, -offset};
      low = offset;
    }
  }
  return best;
}

// Two bits of four columns, 32 apart, share a byte.
void put_pairs(const uint8_t* q, uint8_t* out) {
  for (int half = 0; half < 2; ++half)
    for (int k = 0; k < 32; ++k) {
      const uint8_t* p = q + 128 * half + k;
      out[32 * half + k] =
          static_cast<uint8_t>((p[0] & 3) | ((p[32] & 3) << 2) | ((p[64] & 3) << 4) | ((p[96] & 3) << 6));
    }
}

// The largest scale and minimum of the groups.
template <int Groups>
Affine largest(const Affine (&group)[Groups]) {
  Affine most;
  for (const Affine& g : group) {
    most.scale = std::max(most.scale, g.scale);
    most.minimum = std::max(most.minimum, g.minimum);
  }
  return most;
}

void q2_k(const float* x, uint8_t* out) {
  Affine group[16];
  for (int j = 0; j < 16; ++j) {
    float w[16];
    for (int k = 0; k < 16; ++k) w[k] = std::fabs(x[16 * j + k]);
    group[j] = search_affine<16>(x + 16 * j, w, {3, -0.5f, 15, true});
  }
  const Affine most = largest(group);
  const float to_scale = most.scale > 0 ? 15.0f / most.scale : 0.0f,
              to_min = most.minimum > 0 ? 15.0f / most.minimum : 0.0f;
  const float d = put_half(most.scale / 15.0f, out + 80), dmin = put_half(most.minimum / 15.0f, out + 82);
  uint8_t q[kSuper];
  for (int j = 0; j < 16; ++j) {
    const int s = nearest(to_scale * group[j].scale, 0, 15), m = nearest(to_min * group[j].minimum, 0, 15);
    out[j] = static_cast<uint8_t>(s | (m << 4));
    const float ds = d * static_cast<float>(s), dm = dmin * static_cast<float>(m);
    for (int k = 16 * j; k < 16 * j + 16; ++k)
      q[k] = static_cast<uint8_t>(ds == 0.0f ? 0 : nearest((x[k] + dm) / ds, 0, 3));
  }
  put_pairs(q, out + 16);
}

// Symmetric groups of 16: the scale largest in size becomes -Half, the lowest of the scales' levels.
template <int Half, float (*First)(const float*)>
float symmetric_scales(const float* x, int (&level)[16], uint8_t* half_out) {
  float scale[16], most = 0.0f;
  for (int j = 0; j < 16; ++j) {
    scale[j] = First(x + 16 * j);
    if (std::fabs(scale[j]) > std::fabs(most)) most = scale[j];
  }
  const float inverse = std::fabs(most) < kNothing ? 0.0f : -static_cast<float>(Half) / most;
  for (int j = 0; j < 16; ++j) level[j] = nearest(inverse * scale[j], -Half, Half - 1);
  return put_half(inverse == 0.0f ? 0.0f : 1.0f / inverse, half_out);
}

// Levels in [-Half, Half), stored from 0, for groups of 16 whose scale is d * level.
template <int Half>
void symmetric_levels(const float* x, float d, const int (&level)[16], uint8_t* q) {
  for (int k = 0; k < kSuper; ++k) {
    const float ds = d * static_cast<float>(level[k / 16]);
    q[k] = static_cast<uint8_t>(ds == 0.0f ? Half : nearest(x[k] / ds, -Half, Half - 1) + Half);
  }
}

void q3_k(const float* x, uint8_t* out) {
  std::memset(out, 0, 110);
  int level[16];
  const float d = symmetric_scales<32, refine_symmetric<16, 4>>(x, level, out + 108);
  uint8_t* packed = out + 96;
  for (int j = 0; j < 16; ++j) {
    const int s = level[j] + 32;
    packed[j % 8] |= static_cast<uint8_t>((s & 15) << (j / 8 * 4));
    packed[8 + j % 4] |= static_cast<uint8_t>((s >> 4) << (2 * (j / 4)));
  }
  uint8_t q[kSuper];
  symmetric_levels<4>(x, d, level, q);
  for (int k = 0; k < kSuper; ++k) out[k % 32] |= static_cast<uint8_t>((q[k] >> 2) << (k / 32));
  put_pairs(q, out + 32);
}

// Eight 6-bit scales and minima in 12 bytes: four whole in the low bits, the other four split over the rest.
void put_scales(const int* s, const int* m, uint8_t* out) {
  for (int j = 0; j < 4; ++j) {
    out[j] = static_cast<uint8_t>(s[j] | ((s[j + 4] >> 4) << 6));
    out[j + 4] = static_cast<uint8_t>(m[j] | ((m[j + 4] >> 4) << 6));
    out[j + 8] = static_cast<uint8_t>((s[j + 4] & 15) | ((m[j + 4] & 15) << 4));
  }
}

template <bool Fifth>
void q45_k(const float* x, uint8_t* out) {
  constexpr int kTop = Fifth ? 31 : 15;
  Affine group[8];
  for (int j = 0; j < 8; ++j) {
    float w[32], squares = 0.0f;
    for (int k = 0; k < 32; ++k) squares += x[32 * j + k] * x[32 * j + k];
    const float rms = std::sqrt(squares / 32.0f);
    for (int k = 0; k < 32; ++k) w[k] = rms + std::fabs(x[32 * j + k]);
    group[j] =
        search_affine<32>(x + 32 * j, w, Fifth ? Search{kTop, -0.5f, 15, false} : Search{kTop, -1.0f, 20, false});
  }
  const Affine most = largest(group);
  const float to_scale = most.scale > 0 ? 63.0f / most.scale : 0.0f,
              to_min = most.minimum > 0 ? 63.0f / most.minimum : 0.0f;
  const float d = put_half(most.scale / 63.0f, out), dmin = put_half(most.minimum / 63.0f, out + 2);
  int s[8], m[8];
  uint8_t q[kSuper];
  for (int j = 0; j < 8; ++j) {
    s[j] = nearest(to_scale * group[j].scale, 0, 63);
    m[j] = nearest(to_min * group[j].minimum, 0, 63);
    const float ds = d * static_cast<float>(s[j]), dm = dmin * static_cast<float>(m[j]);
    for (int k = 32 * j; k < 32 * j + 32; ++k)
      q[k] = static_cast<uint8_t>(ds == 0.0f ? 0 : nearest((x[k] + dm) / ds, 0, kTop));
  }
  put_scales(s, m, out + 4);
  if (Fifth) std::memset(out + 16, 0, 32);
  uint8_t* low = out + (Fifth ? 48 : 16);
  for (int j = 0; j < 8; j += 2)
    for (int k = 0; k < 32; ++k) {
      const uint8_t a = q[32 * j + k], b = q[32 * j + 32 + k];
      low[16 * j + k] = static_cast<uint8_t>((a & 15) | ((b & 15) << 4));
      if (Fifth) out[16 + k] |= static_cast<uint8_t>(((a >> 4) << j) | ((b >> 4) << (j + 1)));
    }
}

void q6_k(const float* x, uint8_t* out) {
  int level[16];
  const float d = symmetric_scales<128, search_symmetric<16, 32>>(x, level, out + 208);
  for (int j = 0; j < 16; ++j) out[192 + j] = static_cast<uint8_t>(static_cast<int8_t>(level[j]));
  uint8_t q[kSuper];
  symmetric_levels<32>(x, d, level, q);
  for (int half = 0; half < 2; ++half)
    for (int k = 0; k < 32; ++k) {
      const uint8_t* p = q + 128 * half + k;
      out[64 * half + k] = static_cast<uint8_t>((p[0] & 15) | ((p[64] & 15) << 4));
      out[64 * half + 32 + k] = static_cast<uint8_t>((p[32] & 15) | ((p[96] & 15) << 4));
      out[128 + 32 * half + k] =
          static_cast<uint8_t>((p[0] >> 4) | ((p[32] >> 4) << 2) | ((p[64] >> 4) << 4) | ((p[96] >> 4) << 6));
    }
}

}  // namespace

QuantiseBlock k_quantiser(DType dtype) {
  switch (dtype) {
    case DType::kQ2_K: return q2_k;
    case DType::kQ3_K: return q3_k;
    case DType::kQ4_K: return q45_k<false>;
    case DType::kQ5_K: return q45_k<true>;
    case DType::kQ6_K: return q6_k;
    default: return nullptr;
  }
}

}  // namespace frugal
