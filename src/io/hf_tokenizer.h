// A TokenizerSpec written as Hugging Face's tokenizer files, which its tokenizers library reads: same ids for same
// text.
#pragma once

#include <nlohmann/json.hpp>

#include "text/tokenizer.h"

namespace frugal {

// tokenizer.json. Throws Error(kUnsupported) for pre-tokenizers that are no chain of expressions, and for unigram
// models.
std::string tokenizer_json_of(const TokenizerSpec& spec);

// tokenizer_config.json: special tokens, chat template. context: the longest input, in tokens.
nlohmann::ordered_json tokenizer_config_of(const TokenizerSpec& spec, int64_t context);

// SentencePiece scores pieces, tokenizer.json ranks merges: every way to put a piece together from two others, best
// score first. Exact wherever scores differ.
std::vector<std::pair<std::string, std::string>> merges_of_scores(const TokenizerSpec& spec);

}  // namespace frugal
