// Element types of tensors on disk and in memory. Quantised types are stored in blocks along a row (see blocks.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace frugal {

enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI8,
  kU8,
  kI16,
  kI32,
  kI64,
  kBool,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
};

struct DTypeInfo {
  DType dtype;
  const char* name;         // lower case, as users write it: "f16", "q4_k"
  int block;                // elements a block; 1 for plain types
  int bytes;                // bytes a block
  int ggml;                 // ggml_type number in GGUF files, -1 when it has none
  const char* safetensors;  // name in safetensors headers, nullptr when it has none
};

const DTypeInfo& info(DType dtype);
const DTypeInfo* find_dtype(std::string_view name);  // by name, any case; nullptr when unknown
const DTypeInfo* dtype_of_ggml(uint32_t type);       // nullptr when unknown
const DTypeInfo* dtype_of_safetensors(std::string_view name);

inline bool is_quantised(DType dtype) { return dtype >= DType::kQ4_0; }

// Bytes of a row of n elements; n must be a multiple of the type's block.
inline size_t row_bytes(DType dtype, int64_t n) {
  const DTypeInfo& i = info(dtype);
  return static_cast<size_t>(n / i.block) * static_cast<size_t>(i.bytes);
}

}  // namespace frugal
