#include "ops/pack.h"

#include <cstring>

#include "base/error.h"

namespace frugal {
namespace {

// Copies the 4-bit values of one file block (16 bytes, low nibbles columns 0..15) into place for row r.
void put_nibbles(const uint8_t* qs, int r, uint8_t* dst) {
  for (int c = 0; c < 4; ++c) std::memcpy(dst + c * 64 + r * 4, qs + c * 4, 4);
}

void put_half(const uint8_t* src, int r, uint8_t* dst) { std::memcpy(dst + r * 2, src, 2); }

// The fifth bits of 32 columns (bit k of high): byte j gets bit s for column 4s + j.
void put_fifth_bits(uint32_t high, int r, uint8_t* dst) {
  for (int j = 0; j < 4; ++j) {
    unsigned byte = 0;
    for (int s = 0; s < 8; ++s) byte |= ((high >> (4 * s + j)) & 1u) << s;
    dst[r * 4 + j] = static_cast<uint8_t>(byte);
  }
}

void pack_q4(const uint8_t* b, int r, const PackedLayout& l, uint8_t* dst) {
  const int halves = l.block_scale / 32;
  for (int h = 0; h < halves; ++h) put_half(b + 2 * h, r, dst + l.nibbles + 32 * h);
  put_nibbles(b + 2 * halves, r, dst);
}

void pack_q5(const uint8_t* b, int r, const PackedLayout& l, uint8_t* dst) {
  const int halves = l.block_scale / 32;
  uint32_t high;
  std::memcpy(&high, b + 2 * halves, 4);
  put_fifth_bits(high, r, dst + l.nibbles);
  for (int h = 0; h < halves; ++h) put_half(b + 2 * h, r, dst + l.nibbles + l.extra + 32 * h);
  put_nibbles(b + 2 * halves + 4, r, dst);
}

void pack_q8(const uint8_t* b, int r, uint8_t* dst) {
  put_half(b, r, dst + 512);
  for (int s = 0; s < 8; ++s)
    for (int j = 0; j < 4; ++j) dst[s * 64 + r * 4 + j] = b[2 + 4 * s + j] ^ 0x80;
}

// Six-bit scale and minimum j (0..7) of a Q4_K or Q5_K super-block, from its 12 packed bytes.
void k_scale_min(const uint8_t* s, int j, uint8_t& scale, uint8_t& minimum) {
  if (j < 4) {
    scale = s[j] & 63;
    minimum = s[j + 4] & 63;
  } else {
    scale = static_cast<uint8_t>((s[j + 4] & 15) | ((s[j - 4] >> 6) << 4));
    minimum = static_cast<uint8_t>((s[j + 4] >> 4) | ((s[j] >> 6) << 4));
  }
}

// Q4_K / Q5_K: columns 64i + (0..31) are low nibbles of 32 bytes, 64i + (32..63) the high ones.
void pack_q45_k(const uint8_t* b, bool fifth, int r, const PackedLayout& l, uint8_t* dst) {
  const uint8_t *scales = b + 4, *high = b + 16, *qs = b + (fifth ? 48 : 16);
  const int step = l.nibbles + l.extra + l.block_scale;
  uint8_t* tail = dst + 8 * step;
  put_half(b, r, tail);
  put_half(b + 2, r, tail + 32);
  for (int i = 0; i < 8; ++i) {
    uint8_t* out = dst + i * step;
    uint8_t packed[16];
    uint32_t bits = 0;
    auto value = [&](int k) { return (qs[(i / 2) * 32 + k] >> (i % 2 * 4)) & 15; };
    for (int k = 0; k < 16; ++k) packed[k] = static_cast<uint8_t>(value(k) | (value(k + 16) << 4));
    put_nibbles(packed, r, out);
    if (fifth) {
      for (int k = 0; k < 32; ++k) bits |= static_cast<uint32_t>((high[k] >> i) & 1u) << k;
      put_fifth_bits(bits, r, out + l.nibbles);
    }
    uint8_t* s = out + l.nibbles + l.extra;
    k_scale_min(scales, i, s[r], s[16 + r]);
  }
}

// Q6_K: ql 128 bytes, qh 64 bytes, 16 signed scales, d. Columns 128h + 32g + k: see the published layout.
void pack_q6_k(const uint8_t* b, int r, const PackedLayout& l, uint8_t* dst) {
  const uint8_t *ql = b, *qh = b + 128, *scales = b + 192;
  const int step = l.nibbles + l.extra + l.block_scale;
  put_half(b + 208, r, dst + 8 * step);
  for (int i = 0; i < 8; ++i) {
    const int h = i / 4, g = i % 4;
    uint8_t* out = dst + i * step;
    auto value = [&](int k) {
      const int low = (ql[64 * h + 32 * (g % 2) + k] >> (g / 2 * 4)) & 15;
      return low | (((qh[32 * h + k] >> (2 * g)) & 3) << 4);
    };
    uint8_t packed[16], two[8] = {};
    for (int k = 0; k < 16; ++k) packed[k] = static_cast<uint8_t>((value(k) & 15) | ((value(k + 16) & 15) << 4));
    put_nibbles(packed, r, out);
    // two bits of step s and column j: half s / 4, byte j, bits 2 * (s % 4)
    for (int k = 0; k < 32; ++k) two[k / 16 * 4 + k % 4] |= static_cast<uint8_t>((value(k) >> 4) << (2 * (k / 4 % 4)));
    for (int half = 0; half < 2; ++half) std::memcpy(out + l.nibbles + half * 64 + r * 4, two + half * 4, 4);
    uint8_t* s = out + l.nibbles + l.extra;
    s[r] = scales[2 * i];
    s[16 + r] = scales[2 * i + 1];
  }
}

const PackedLayout* layout_of(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0: return &kPackedQ4_0;
    case DType::kQ4_1: return &kPackedQ4_1;
    case DType::kQ5_0: return &kPackedQ5_0;
    case DType::kQ5_1: return &kPackedQ5_1;
    case DType::kQ8_0: return &kPackedQ8_0;
    case DType::kQ4_K: return &kPackedQ4_K;
    case DType::kQ5_K: return &kPackedQ5_K;
    case DType::kQ6_K: return &kPackedQ6_K;
    default: return nullptr;
  }
}

void pack_block(DType dtype, const uint8_t* b, int r, const PackedLayout& l, uint8_t* dst) {
  switch (dtype) {
    case DType::kQ4_0:
    case DType::kQ4_1: return pack_q4(b, r, l, dst);
    case DType::kQ5_0:
    case DType::kQ5_1: return pack_q5(b, r, l, dst);
    case DType::kQ8_0: return pack_q8(b, r, dst);
    case DType::kQ4_K: return pack_q45_k(b, false, r, l, dst);
    case DType::kQ5_K: return pack_q45_k(b, true, r, l, dst);
    default: return pack_q6_k(b, r, l, dst);
  }
}

void pack_plain(const std::byte* src, size_t row_stride, int n, int64_t cols, size_t size, uint8_t* dst) {
  const int64_t group = size == 4 ? 1 : 2;  // 16-bit types keep two columns of a row together
  for (int r = 0; r < n; ++r) {
    const std::byte* row = src + static_cast<size_t>(r) * row_stride;
    for (int64_t k = 0; k < cols; k += group) {
      const size_t bytes = size * static_cast<size_t>(k + group <= cols ? group : 1);
      std::memcpy(dst + (k / group * 16 + r) * 4, row + static_cast<size_t>(k) * size, bytes);
    }
  }
}

}  // namespace

size_t packed_panel_bytes(DType dtype, int64_t cols) {
  if (dtype == DType::kF32) return static_cast<size_t>(cols) * 64;
  if (dtype == DType::kF16 || dtype == DType::kBF16) return static_cast<size_t>((cols + 1) / 2) * 64;
  const PackedLayout* l = layout_of(dtype);
  if (l == nullptr) fail(ErrorCode::kUnsupported, "pack", "no kernels for weights of type {}", info(dtype).name);
  return static_cast<size_t>(cols / (kBlockCols * l->super)) * l->super_size();
}

void pack_panel(DType dtype, const std::byte* src, size_t row_stride, int n, int64_t cols, uint8_t* dst) {
  if (n < 16) std::memset(dst, 0, packed_panel_bytes(dtype, cols));
  if (!is_quantised(dtype)) return pack_plain(src, row_stride, n, cols, static_cast<size_t>(info(dtype).bytes), dst);
  const PackedLayout& l = *layout_of(dtype);
  const int64_t blocks = cols / (kBlockCols * l.super);
  const size_t step = l.super_size(), from = static_cast<size_t>(info(dtype).bytes);
  for (int64_t b = 0; b < blocks; ++b)
    for (int r = 0; r < n; ++r) {
      const std::byte* block = src + static_cast<size_t>(r) * row_stride + static_cast<size_t>(b) * from;
      pack_block(dtype, reinterpret_cast<const uint8_t*>(block), r, l, dst + static_cast<size_t>(b) * step);
    }
}

}  // namespace frugal
