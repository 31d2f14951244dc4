// fastText models from anywhere; what reads as one predicts.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "data/language/fasttext.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto model = frugal::data::FastText::parse(std::as_bytes(std::span(data, size)), "fuzz");
    model.best("the house and das Haus </s> __label__en");
    model.probability("x", 0);
  } catch (const frugal::Error&) {
  }
  return 0;
}
