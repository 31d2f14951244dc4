#include "base/blocks.h"

#include <cstring>

#include "base/error.h"
#include "base/half.h"

namespace frugal {
namespace {

float half_at(const uint8_t* p) {
  uint16_t h;
  std::memcpy(&h, p, 2);
  return f16_to_float(h);
}

// Legacy blocks of 32: d [m] [32 high bits] 16 bytes of nibbles, low ones columns 0..15.
template <bool HasMin, bool Fifth>
void legacy(const uint8_t* b, float* y) {
  const float d = half_at(b), m = HasMin ? half_at(b + 2) : -0.0f;  // adding -0 changes nothing, not even -0
  const uint8_t* p = b + (HasMin ? 4 : 2);
  uint32_t high = 0;
  if (Fifth) {
    std::memcpy(&high, p, 4);
    p += 4;
  }
  const int zero = HasMin ? 0 : Fifth ? 16 : 8;
  for (int k = 0; k < 32; ++k) {
    int q = (p[k % 16] >> (k / 16 * 4)) & 15;
    if (Fifth) q |= static_cast<int>((high >> k) & 1u) << 4;
    y[k] = static_cast<float>(q - zero) * d + m;
  }
}

void q8_0(const uint8_t* b, float* y) {
  const float d = half_at(b);
  for (int k = 0; k < 32; ++k) y[k] = static_cast<float>(static_cast<int8_t>(b[2 + k])) * d;
}

// Super-blocks of 256.
void q2_k(const uint8_t* b, float* y) {
  const uint8_t *scales = b, *qs = b + 16;
  const float d = half_at(b + 80), dmin = half_at(b + 82);
  for (int k = 0; k < 256; ++k) {
    const int half = k / 128, group = k % 128 / 32, s = scales[k / 16];
    const int q = (qs[32 * half + k % 32] >> (2 * group)) & 3;
    y[k] = d * static_cast<float>(s & 15) * static_cast<float>(q) - dmin * static_cast<float>(s >> 4);
  }
}

void q3_k(const uint8_t* b, float* y) {
  const uint8_t *high = b, *qs = b + 32, *packed = b + 96;
  const float d = half_at(b + 108);
  for (int k = 0; k < 256; ++k) {
    const int half = k / 128, group = k % 128 / 32, j = k / 16;
    const int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
    const int scale = (low | (((packed[8 + j % 4] >> (2 * (j / 4))) & 3) << 4)) - 32;
    int q = (qs[32 * half + k % 32] >> (2 * group)) & 3;
    if (((high[k % 32] >> (4 * half + group)) & 1) == 0) q -= 4;
    y[k] = d * static_cast<float>(scale) * static_cast<float>(q);
  }
}

void scale_min_k(const uint8_t* s, int j, int& scale, int& minimum) {
  scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | ((s[j - 4] >> 6) << 4);
  minimum = j < 4 ? s[j + 4] & 63 : (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
}

template <bool Fifth>
void q45_k(const uint8_t* b, float* y) {
  const float d = half_at(b), dmin = half_at(b + 2);
  const uint8_t *high = b + 16, *qs = b + (Fifth ? 48 : 16);
  for (int j = 0; j < 8; ++j) {
    int scale, minimum;
    scale_min_k(b + 4, j, scale, minimum);
    const float ds = d * static_cast<float>(scale), dm = dmin * static_cast<float>(minimum);
    for (int k = 0; k < 32; ++k) {
      int q = (qs[j / 2 * 32 + k] >> (j % 2 * 4)) & 15;
      if (Fifth) q += ((high[k] >> j) & 1) << 4;
      y[32 * j + k] = ds * static_cast<float>(q) - dm;
    }
  }
}

void q6_k(const uint8_t* b, float* y) {
  const uint8_t *low = b, *high = b + 128;
  const int8_t* scales = reinterpret_cast<const int8_t*>(b + 192);
  const float d = half_at(b + 208);
  for (int k = 0; k < 256; ++k) {
    const int half = k / 128, group = k % 128 / 32, l = k % 32;
    const int nibble = (low[64 * half + 32 * (group % 2) + l] >> (group / 2 * 4)) & 15;
    const int q = (nibble | (((high[32 * half + l] >> (2 * group)) & 3) << 4)) - 32;
    y[k] = d * static_cast<float>(scales[k / 16]) * static_cast<float>(q);
  }
}

template <typename Convert>
void each(const void* src, float* dst, int64_t n, Convert convert) {
  const char* p = static_cast<const char*>(src);  // files need not align their tensors
  for (int64_t i = 0; i < n; ++i, p += 2) {
    uint16_t h;
    std::memcpy(&h, p, 2);
    dst[i] = convert(h);
  }
}

using Block = void (*)(const uint8_t*, float*);

Block block_of(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0: return legacy<false, false>;
    case DType::kQ4_1: return legacy<true, false>;
    case DType::kQ5_0: return legacy<false, true>;
    case DType::kQ5_1: return legacy<true, true>;
    case DType::kQ8_0: return q8_0;
    case DType::kQ2_K: return q2_k;
    case DType::kQ3_K: return q3_k;
    case DType::kQ4_K: return q45_k<false>;
    case DType::kQ5_K: return q45_k<true>;
    case DType::kQ6_K: return q6_k;
    default: return nullptr;
  }
}

}  // namespace

void dequantise_row(DType dtype, const void* src, float* dst, int64_t n) {
  if (dtype == DType::kF32) {
    std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(float));
  } else if (dtype == DType::kF16) {
    each(src, dst, n, f16_to_float);
  } else if (dtype == DType::kBF16) {
    each(src, dst, n, bf16_to_float);
  } else if (const Block block = block_of(dtype)) {
    const DTypeInfo& i = info(dtype);
    const uint8_t* p = static_cast<const uint8_t*>(src);
    for (int64_t k = 0; k < n; k += i.block, p += i.bytes) block(p, dst + k);
  } else {
    fail(ErrorCode::kUnsupported, "blocks", "values of type {} cannot be read as floats", info(dtype).name);
  }
}

}  // namespace frugal
