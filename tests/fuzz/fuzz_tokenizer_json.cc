// tokenizer.json from anywhere; what it makes a tokenizer of encodes a text and decodes the ids.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "io/json_file.h"
#include "io/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const nlohmann::json json = frugal::parse_large_json(reinterpret_cast<const char*>(data), size, "tokenizer.json");
    const auto tokenizer = frugal::make_tokenizer(frugal::tokenizer_from_json(json, nullptr));
    tokenizer->decode(tokenizer->encode("ab a\xc3\xa9  12<s>"), true);
  } catch (const frugal::Error&) {
  }
  return 0;
}
