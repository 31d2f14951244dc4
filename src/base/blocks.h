// Quantised block formats (the published ggml layouts), in plain code: what every fast kernel is tested against.
//
// dequantise_row is bit-exact against the published layout; quantise_row chooses scales as the reference quantisers do
// (legacy types: round to nearest on the block's extremum; K types: the weighted search over scales and minima).
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace frugal {

// src: one row of n elements in dtype (n a multiple of the block); dst: n floats. Plain types convert too.
void dequantise_row(DType dtype, const void* src, float* dst, int64_t n);

bool can_quantise(
    DType dtype);  // f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q6_k, ... what quantise_row writes

// src: n floats (n a multiple of the block); dst: row_bytes(dtype, n) bytes.
void quantise_row(DType dtype, const float* src, void* dst, int64_t n);

}  // namespace frugal
