// Pages from anywhere: the parse, and the main text of what it gives.
#include <cstddef>
#include <cstdint>

#include "data/web/page_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static frugal::data::HtmlParser parser;
  frugal::data::main_text(parser.parse({reinterpret_cast<const char*>(data), size}));
  return 0;
}
