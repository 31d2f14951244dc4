// The block quantisers behind quantise_row, by type.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace frugal {

// One block of floats to its bytes.
using QuantiseBlock = void (*)(const float* x, uint8_t* out);

QuantiseBlock legacy_quantiser(DType dtype);  // blocks of 32; nullptr for other types
QuantiseBlock k_quantiser(DType dtype);       // super-blocks of 256; nullptr for other types

}  // namespace frugal
