// A TokenizerSpec written as GGUF's tokenizer.ggml.* keys: the way back from tokenizer_gguf.h.
#pragma once

#include <nlohmann/json.hpp>

#include "io/model_config.h"

namespace frugal {

// The list of tokens is filled up with unused ones to the rows of the embedding, as readers of GGUF expect. Throws
// Error when the tokenizer has more tokens than that, or splits text in a way that GGUF has no name for.
nlohmann::ordered_json gguf_tokenizer(const TokenizerSpec& spec, const ModelConfig& config);

}  // namespace frugal
