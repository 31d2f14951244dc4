// tokenizer.model from anywhere; what it makes a tokenizer of encodes a text and decodes the ids.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "io/sentencepiece_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto tokenizer =
        frugal::make_tokenizer(frugal::tokenizer_from_sentencepiece(std::as_bytes(std::span(data, size))));
    tokenizer->decode(tokenizer->encode("ab a\xc3\xa9  12<s>"), true);
  } catch (const frugal::Error&) {
  }
  return 0;
}
