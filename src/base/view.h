// A tensor somebody else owns: where it lies, its type and shape. Rows are contiguous, the last dimension runs fastest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace frugal {

struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;  // outermost first, as PyTorch prints it: {rows, columns}
  const std::byte* data = nullptr;
  size_t bytes = 0;

  int64_t elements() const {
    int64_t n = 1;
    for (int64_t d : shape) n *= d;
    return n;
  }
  int64_t cols() const { return shape.empty() ? 1 : shape.back(); }
  int64_t rows() const { return cols() == 0 ? 0 : elements() / cols(); }
  const std::byte* row(int64_t r) const { return data + static_cast<size_t>(r) * row_bytes(dtype, cols()); }
};

}  // namespace frugal
