// Do two vocabularies give each id the same meaning? A drafter of another one would guess in another language: it would
// stay exact, and accept nothing.
#pragma once

#include "decode/draft/drafter.h"
#include "io/checkpoint.h"

namespace frugal {

// Throws Error(kBadInput) unless the tokenizer in `file` agrees with the target's on every id that is text in both and
// their sizes differ by at most 128 (padding). A target without a tokenizer is compared by the size of its vocabulary.
void check_same_vocabulary(const Checkpoint& file, const DraftTarget& target);

// 64 bits of the bytes of every id (FNV-1a): tells apart tokenizers, not adversaries.
uint64_t fingerprint(const Tokenizer& tokenizer);

}  // namespace frugal
