// REST datastores from anywhere: what is taken as one is searched, and every hit's continuation read.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "decode/rest/store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const frugal::RestStore store(std::as_bytes(std::span(data, size)), "fuzz.store");
    std::vector<int32_t> out;
    for (int32_t a = 0; a < 4; ++a) {
      const std::vector<int32_t> pattern = {a, 1};
      for (size_t n = 1; n <= 2; ++n) {
        const auto hits = store.find(std::span(pattern).first(n));
        for (uint64_t place = hits.first; place < hits.last; ++place) store.continuation(place, n, 10, out);
      }
    }
  } catch (const frugal::Error&) {
  }
  return 0;
}
