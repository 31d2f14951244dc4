// Packed weights: 16 rows side by side, so that one 64-byte load feeds a dot product for 16 output rows.
//
// For quantised types a block of 32 columns of a panel is
//
//   bytes   for step s = 0..7, row r = 0..15, j = 0..3: the value of column 4s + j of row r; 4-bit values of steps s
//           and s + 4 share a byte (low, high nibble), as they do in the file's blocks
//   extra   5-bit types: one byte [row][j] whose bit s is the fifth bit of step s
//   scales  16 half floats (and 16 minima), or for K types 8-bit scales [row] with 16 half floats a super-block
//
// so an int8 kernel broadcasts four activations and multiplies four columns of 16 rows at once. Values are stored
// unsigned with a zero point (Q4_0: 8, Q5_0: 16, Q8_0: 128, Q6_K: 32) that the activation's block sum takes off.
// F16 and BF16 are [cols / 2][16 rows][2], F32 is [cols][16 rows]. Rows that are missing in the last panel are zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace frugal {

constexpr int kBlockCols = 32;

size_t packed_panel_bytes(DType dtype, int64_t cols);

// src: the first of n (1..16) rows in the file's form, row_stride bytes apart; dst: packed_panel_bytes bytes.
void pack_panel(DType dtype, const std::byte* src, size_t row_stride, int n, int64_t cols, uint8_t* dst);

// Packed layouts, shared with the kernels.
struct PackedLayout {
  int nibbles;      // bytes of 4-bit values a block (256), or 512 for bytes
  int extra;        // bytes of high bits a block
  int block_scale;  // bytes of scales and minima a block
  int super;        // blocks that share super_bytes
  int super_bytes;  // half floats after the blocks of a super-block
  size_t super_size() const { return static_cast<size_t>(super * (nibbles + extra + block_scale) + super_bytes); }
};
inline constexpr PackedLayout kPackedQ4_0 = {256, 0, 32, 1, 0};
inline constexpr PackedLayout kPackedQ4_1 = {256, 0, 64, 1, 0};
inline constexpr PackedLayout kPackedQ5_0 = {256, 64, 32, 1, 0};
inline constexpr PackedLayout kPackedQ5_1 = {256, 64, 64, 1, 0};
inline constexpr PackedLayout kPackedQ8_0 = {512, 0, 32, 1, 0};
inline constexpr PackedLayout kPackedQ4_K = {256, 0, 32, 8, 64};
inline constexpr PackedLayout kPackedQ5_K = {256, 64, 32, 8, 64};
inline constexpr PackedLayout kPackedQ6_K = {256, 128, 32, 8, 32};

}  // namespace frugal
