// SentencePiece's own model files (tokenizer.model, spiece.model): a protocol buffer of which a few fields matter.
#pragma once

#include <cstddef>
#include <span>

#include "text/tokenizer.h"

namespace frugal {

// bytes: the whole file. Control pieces are recognised in text; a beginning is added for BPE models that have one, as
// their own tools do (a tokenizer_config.json says otherwise: see apply_tokenizer_config). Throws Error when the bytes
// are no such model, or of a kind other than BPE and unigram.
TokenizerSpec tokenizer_from_sentencepiece(std::span<const std::byte> bytes);

}  // namespace frugal
