// Between base's plain views and LibTorch's tensors: the one place where both are known.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string>

#include "base/view.h"

namespace frugal {

// The view's values as a new rows x cols tensor of type kFloat or kDouble on the CPU; quantised types are
// dequantised. Throws Error for another type, and for a view whose bytes are not its shape's.
at::Tensor to_tensor(const TensorView& view, at::ScalarType type);

// A copy of plain numbers as a tensor of that shape, which must hold as many.
at::Tensor to_tensor(std::span<const float> values, at::IntArrayRef shape);
at::Tensor to_tensor(std::span<const double> values, at::IntArrayRef shape);
at::Tensor to_tensor(std::span<const int32_t> values, at::IntArrayRef shape);

// The tensor's own memory as a view, valid as long as the tensor. Throws Error unless it is contiguous, on
// the CPU and of a type that DType has.
TensorView to_view(const at::Tensor& tensor, std::string name = {});

}  // namespace frugal
