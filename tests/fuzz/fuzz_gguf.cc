// GGUF files from anywhere: what parses is also read as a model's configuration and as a tokenizer, and every tensor's
// bytes are touched.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "io/config_reader.h"
#include "io/describe.h"
#include "io/gguf_reader.h"
#include "io/model_config.h"

namespace {

template <typename F>
void allow_errors(F f) {
  try {
    f();
  } catch (const frugal::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  frugal::Checkpoint c;
  c.format = "gguf";
  c.path = "fuzz.gguf";
  allow_errors([&] {
    frugal::parse_gguf(std::as_bytes(std::span(data, size)), c.path, c);
    volatile unsigned sum = 0;
    for (const frugal::TensorView& t : c.tensors)
      if (t.bytes > 0) sum = sum + static_cast<unsigned>(t.data[0]) + static_cast<unsigned>(t.data[t.bytes - 1]);
    allow_errors([&] { frugal::read_model_config(c); });
    allow_errors([&] { frugal::make_tokenizer(frugal::read_tokenizer(c))->encode("ab 1\xc3\xa9"); });
    frugal::describe(c).dump();  // throws on a text that is not UTF-8
  });
  return 0;
}
