// Hugging Face's tokenizer.json (the tokenizers package) and tokenizer_config.json beside it.
#pragma once

#include <nlohmann/json.hpp>

#include "text/tokenizer.h"

namespace frugal {

// BPE, byte-level or in SentencePiece's manner, and unigram. Not an ordered_json: that takes a time quadratic in the
// vocabulary to parse. config: tokenizer_config.json, or nullptr. Throws Error when
// the JSON is no such tokenizer or asks for a part that would give other ids than the reference if it were left out.
TokenizerSpec tokenizer_from_json(const nlohmann::json& tokenizer_json, const nlohmann::ordered_json* config);

// What tokenizer_config.json says over the tokenizer itself: special tokens by name, whether to add a beginning and an
// end, added tokens (with a tokenizer.model), the chat template. Throws Error when a field has another type than it
// should.
void apply_tokenizer_config(const nlohmann::ordered_json& config, TokenizerSpec& spec);

}  // namespace frugal
