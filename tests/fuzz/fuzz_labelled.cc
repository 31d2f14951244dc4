// Texts with labels from anywhere, in both forms of file, into a small classifier.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "data/language/labelled.h"
#include "data/language/train_classifier.h"
#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace frugal::data;
  static FuzzFile file;
  file.set(data, size);
  ClassifierTrainer trainer({.epoch = 1, .dim = 2, .word_ngrams = 2, .bucket = 5});
  read_labelled({file.path()}, {}, [&](std::string_view text, const auto& labels) { trainer.add(text, labels); });
  try {
    trainer.train({});
  } catch (const frugal::Error&) {
  }  // less than two labels
  return 0;
}
