#include "tensor/bridge.h"

#include <ATen/ops/empty.h>

#include <cstring>

#include "base/blocks.h"
#include "base/error.h"

namespace frugal {
namespace {

template <typename T>
at::Tensor copied(std::span<const T> values, at::IntArrayRef shape, at::ScalarType type) {
  at::Tensor t = at::empty(shape, type);
  if (t.numel() != static_cast<int64_t>(values.size()))
    fail(ErrorCode::kUsage, "tensor", "{} numbers for a shape of {} elements", values.size(), t.numel());
  if (!values.empty()) std::memcpy(t.mutable_data_ptr(), values.data(), values.size_bytes());
  return t;
}

DType dtype_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat: return DType::kF32;
    case at::kHalf: return DType::kF16;
    case at::kBFloat16: return DType::kBF16;
    case at::kDouble: return DType::kF64;
    case at::kChar: return DType::kI8;
    case at::kByte: return DType::kU8;
    case at::kShort: return DType::kI16;
    case at::kInt: return DType::kI32;
    case at::kLong: return DType::kI64;
    case at::kBool: return DType::kBool;
    default: fail(ErrorCode::kUnsupported, "tensor", "tensors of type {} have no view", c10::toString(type));
  }
}

}  // namespace

at::Tensor to_tensor(const TensorView& view, at::ScalarType type) {
  if (type != at::kFloat && type != at::kDouble)
    fail(ErrorCode::kUsage, "tensor", "weights become float or double, not {}", c10::toString(type));
  const int64_t rows = view.rows(), cols = view.cols();
  if (view.bytes != static_cast<size_t>(rows) * row_bytes(view.dtype, cols))
    fail(ErrorCode::kBadInput, "tensor", "{} has {} bytes, its shape {} x {} wants {}", view.name, view.bytes, rows,
         cols, static_cast<size_t>(rows) * row_bytes(view.dtype, cols));
  const bool wide = view.dtype == DType::kF64;
  at::Tensor t = at::empty({rows, cols}, wide ? at::kDouble : at::kFloat);
  if (wide && view.bytes > 0) std::memcpy(t.mutable_data_ptr(), view.data, view.bytes);
  for (int64_t r = 0; r < rows && !wide; ++r)
    dequantise_row(view.dtype, view.row(r), t.mutable_data_ptr<float>() + r * cols, cols);
  return t.to(type);
}

at::Tensor to_tensor(std::span<const float> values, at::IntArrayRef shape) { return copied(values, shape, at::kFloat); }
at::Tensor to_tensor(std::span<const double> values, at::IntArrayRef shape) {
  return copied(values, shape, at::kDouble);
}
at::Tensor to_tensor(std::span<const int32_t> values, at::IntArrayRef shape) { return copied(values, shape, at::kInt); }

TensorView to_view(const at::Tensor& tensor, std::string name) {
  if (!tensor.is_cpu() || !tensor.is_contiguous())
    fail(ErrorCode::kUsage, "tensor", "a view needs a contiguous tensor on the CPU{}{}", name.empty() ? "" : ": ",
         name);
  return {std::move(name), dtype_of(tensor.scalar_type()), tensor.sizes().vec(),
          static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

}  // namespace frugal
