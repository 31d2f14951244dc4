// Quantisers of the blocks of 32 (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0): round to nearest on the scale that the block's extreme
// value sets. Bit for bit what the reference Python package writes: the symmetric 4- and 5-bit forms round once after
// the multiplication and the half (in double here), the others round after each operation.
#include "base/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"

namespace frugal {
namespace {

constexpr int kBlock = 32;

void put_half(float value, uint8_t* out) {
  const uint16_t h = float_to_f16(value);
  std::memcpy(out, &h, 2);
}

// v cut to an integer in [0, top]; not-a-number becomes 0.
template <typename Real>
int level(Real v, int top) {
  if (!(v > 0)) return 0;
  return v >= static_cast<Real>(top) ? top : static_cast<int>(v);
}

float inverse(float d) { return d == 0.0f ? 0.0f : 1.0f / d; }

// Symmetric: the value farthest from zero becomes the lowest level.
template <int Bits>
float symmetric_levels(const float* x, uint8_t* q) {
  float extreme = 0.0f;
  for (int k = 0; k < kBlock; ++k)
    if (std::fabs(x[k]) > std::fabs(extreme)) extreme = x[k];
  constexpr int kZero = 1 << (Bits - 1);
  const float d = extreme / -kZero;
  const double id = inverse(d);
  for (int k = 0; k < kBlock; ++k)
    q[k] = static_cast<uint8_t>(level(static_cast<float>(x[k] * id + (kZero + 0.5)), 2 * kZero - 1));
  return d;
}

// Affine: the least value becomes level 0, the greatest the top one.
template <int Bits>
float affine_levels(const float* x, uint8_t* q, float& minimum) {
  const auto [low, high] = std::minmax_element(x, x + kBlock);
  constexpr int kTop = (1 << Bits) - 1;
  minimum = *low;
  const float d = (*high - minimum) / kTop, id = inverse(d);
  for (int k = 0; k < kBlock; ++k) q[k] = static_cast<uint8_t>(level((x[k] - minimum) * id + 0.5f, kTop));
  return d;
}

// Nibbles of columns k and k + 16 share a byte; fifth bits stand before them in 32 bits of their own.
template <bool Fifth>
void put_levels(const uint8_t* q, uint8_t* out) {
  if (Fifth) {
    uint32_t high = 0;
    for (int k = 0; k < kBlock; ++k) high |= static_cast<uint32_t>(q[k] >> 4) << k;
    std::memcpy(out, &high, 4);
    out += 4;
  }
  for (int k = 0; k < kBlock / 2; ++k) out[k] = static_cast<uint8_t>((q[k] & 15) | ((q[k + 16] & 15) << 4));
}

template <int Bits>
void symmetric(const float* x, uint8_t* out) {
  uint8_t q[kBlock];
  put_half(symmetric_levels<Bits>(x, q), out);
  put_levels<Bits == 5>(q, out + 2);
}

template <int Bits>
void affine(const float* x, uint8_t* out) {
  uint8_t q[kBlock];
  float minimum;
  put_half(affine_levels<Bits>(x, q, minimum), out);
  put_half(minimum, out + 2);
  put_levels<Bits == 5>(q, out + 4);
}

void q8_0(const float* x, uint8_t* out) {
  float extreme = 0.0f;
  for (int k = 0; k < kBlock; ++k) extreme = std::max(extreme, std::fabs(x[k]));
  const float d = extreme / 127.0f, id = inverse(d);
  put_half(d, out);
  for (int k = 0; k < kBlock; ++k) {
    const float v = std::round(x[k] * id);  // half away from zero
    out[2 + k] = static_cast<uint8_t>(static_cast<int8_t>(v > -127.0f ? std::min(v, 127.0f) : -127.0f));
  }
}

}  // namespace

QuantiseBlock legacy_quantiser(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0: return symmetric<4>;
    case DType::kQ4_1: return affine<4>;
    case DType::kQ5_0: return symmetric<5>;
    case DType::kQ5_1: return affine<5>;
    case DType::kQ8_0: return q8_0;
    default: return nullptr;
  }
}

}  // namespace frugal
