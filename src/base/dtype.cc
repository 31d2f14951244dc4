#include "base/dtype.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace frugal {
namespace {

constexpr std::array<DTypeInfo, 20> kTable = {{
    {DType::kF32, "f32", 1, 4, 0, "F32"},
    {DType::kF16, "f16", 1, 2, 1, "F16"},
    {DType::kBF16, "bf16", 1, 2, 30, "BF16"},
    {DType::kF64, "f64", 1, 8, 28, "F64"},
    {DType::kI8, "i8", 1, 1, 24, "I8"},
    {DType::kU8, "u8", 1, 1, -1, "U8"},
    {DType::kI16, "i16", 1, 2, 25, "I16"},
    {DType::kI32, "i32", 1, 4, 26, "I32"},
    {DType::kI64, "i64", 1, 8, 27, "I64"},
    {DType::kBool, "bool", 1, 1, -1, "BOOL"},
    {DType::kQ4_0, "q4_0", 32, 18, 2, nullptr},
    {DType::kQ4_1, "q4_1", 32, 20, 3, nullptr},
    {DType::kQ5_0, "q5_0", 32, 22, 6, nullptr},
    {DType::kQ5_1, "q5_1", 32, 24, 7, nullptr},
    {DType::kQ8_0, "q8_0", 32, 34, 8, nullptr},
    {DType::kQ2_K, "q2_k", 256, 84, 10, nullptr},
    {DType::kQ3_K, "q3_k", 256, 110, 11, nullptr},
    {DType::kQ4_K, "q4_k", 256, 144, 12, nullptr},
    {DType::kQ5_K, "q5_k", 256, 176, 13, nullptr},
    {DType::kQ6_K, "q6_k", 256, 210, 14, nullptr},
}};

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

template <typename Match>
const DTypeInfo* first(Match match) {
  auto it = std::find_if(kTable.begin(), kTable.end(), match);
  return it == kTable.end() ? nullptr : &*it;
}

}  // namespace

const DTypeInfo& info(DType dtype) { return kTable[static_cast<size_t>(dtype)]; }
const DTypeInfo* find_dtype(std::string_view name) {
  return first([&](const DTypeInfo& i) { return same(i.name, name); });
}
const DTypeInfo* dtype_of_ggml(uint32_t type) {
  return first([&](const DTypeInfo& i) { return i.ggml >= 0 && static_cast<uint32_t>(i.ggml) == type; });
}
const DTypeInfo* dtype_of_safetensors(std::string_view name) {
  return first([&](const DTypeInfo& i) { return i.safetensors != nullptr && i.safetensors == name; });
}

}  // namespace frugal
