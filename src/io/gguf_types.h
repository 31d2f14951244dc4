// Numbers of the GGUF format that its reader and writer share.
#pragma once

#include <cstdint>

namespace frugal::gguf {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kAlignment = 32, kMaxAlignment = 1 << 20;

enum Type : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kText, kArray, kU64, kI64, kF64 };

}  // namespace frugal::gguf
