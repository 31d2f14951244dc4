// Pages from anywhere: the parse, and the main text of what it gives.
#include <cstddef>
#include <cstdint>

#include "data/web/page_text.h"

// Where text with leading blanks stands before the body, MyHTML merges it with the next text by a memcpy of overlapping
// ranges, both inside its own memory: at worst the text is garbled. html_tree.cc takes away two causes of it.
extern "C" const char* __asan_default_suppressions() { return "interceptor_via_fun:mycore_string_append"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static frugal::data::HtmlParser parser;
  frugal::data::main_text(parser.parse({reinterpret_cast<const char*>(data), size}));
  return 0;
}
