// Safetensors: an 8-byte header length, a JSON header, then the tensors' bytes; one file or sharded with an index.
#pragma once

#include <string>

#include "io/checkpoint.h"

namespace frugal {

// path: a .safetensors file, or a directory with model.safetensors or model.safetensors.index.json. Throws Error.
Checkpoint open_safetensors(const std::string& path);

// Parses one file's bytes into checkpoint (tensors appended): what the fuzz target calls.
void parse_safetensors(std::span<const std::byte> bytes, const std::string& where, Checkpoint& checkpoint);

}  // namespace frugal
