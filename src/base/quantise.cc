#include "base/quantise.h"

#include <cstring>

#include "base/blocks.h"
#include "base/error.h"
#include "base/half.h"

namespace frugal {
namespace {

template <typename Convert>
void each(const float* src, void* dst, int64_t n, Convert convert) {
  uint16_t* p = static_cast<uint16_t*>(dst);
  for (int64_t i = 0; i < n; ++i) p[i] = convert(src[i]);
}

QuantiseBlock quantiser(DType dtype) {
  const QuantiseBlock block = legacy_quantiser(dtype);
  return block != nullptr ? block : k_quantiser(dtype);
}

}  // namespace

bool can_quantise(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || quantiser(dtype) != nullptr;
}

void quantise_row(DType dtype, const float* src, void* dst, int64_t n) {
  if (dtype == DType::kF32) {
    std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(float));
  } else if (dtype == DType::kF16) {
    each(src, dst, n, float_to_f16);
  } else if (dtype == DType::kBF16) {
    each(src, dst, n, float_to_bf16);
  } else if (const QuantiseBlock block = quantiser(dtype)) {
    const DTypeInfo& i = info(dtype);
    uint8_t* p = static_cast<uint8_t*>(dst);
    for (int64_t k = 0; k < n; k += i.block, p += i.bytes) block(src + k, p);
  } else {
    fail(ErrorCode::kUnsupported, "blocks", "floats cannot be written as {}", info(dtype).name);
  }
}

}  // namespace frugal
