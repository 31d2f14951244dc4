// GGUF v2 and v3: header, key-values, tensor table, aligned data; one file or the parts of a split one.
#pragma once

#include <string>

#include "io/checkpoint.h"

namespace frugal {

// path: the file, or the first part of a split model ("...-00001-of-00003.gguf"). Throws Error; nothing is trusted.
Checkpoint open_gguf(const std::string& path);

// Parses one file's bytes into checkpoint: what the fuzz target calls.
void parse_gguf(std::span<const std::byte> bytes, const std::string& where, Checkpoint& checkpoint);

}  // namespace frugal
