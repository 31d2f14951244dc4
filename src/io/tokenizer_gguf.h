// Tokenizers as GGUF metadata holds them (tokenizer.ggml.*).
#pragma once

#include <nlohmann/json.hpp>

#include "text/tokenizer.h"

namespace frugal {

// Throws Error when the keys are missing or contradict each other.
TokenizerSpec tokenizer_from_gguf(const nlohmann::ordered_json& metadata);

}  // namespace frugal
