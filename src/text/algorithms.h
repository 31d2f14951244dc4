// The algorithms behind make_tokenizer, one file each.
#pragma once

#include "text/tokenizer.h"

namespace frugal {

std::unique_ptr<Tokenizer> make_byte_bpe(TokenizerSpec spec);
std::unique_ptr<Tokenizer> make_spm_bpe(TokenizerSpec spec);
std::unique_ptr<Tokenizer> make_unigram(TokenizerSpec spec);

}  // namespace frugal
