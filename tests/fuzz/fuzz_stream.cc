// Packed files from anywhere: gzip members and zstd frames, whole, cut and broken; and lines out of what they give.
#include <cstddef>
#include <cstdint>

#include "data/byte_stream.h"
#include "data/line_reader.h"
#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace frugal::data;
  constexpr size_t kMost = size_t{16} << 20;  // a few bytes may unpack to gigabytes, which stream by
  static FuzzFile file;
  file.set(data, size);
  const Part part{file.path(), 0, ~uint64_t{0}};
  Faults faults;
  const auto stream = open_stream(part);
  char buffer[5000];
  for (size_t n, all = 0; all < kMost && (n = stream->read(buffer, sizeof buffer, faults)) > 0; all += n)
    if (n > sizeof buffer) __builtin_trap();
  const auto lines = read_lines(part, 1000);
  size_t all = 0;
  for (RawBlock block; all < kMost && lines->next(block, faults); block = {}) all += block.size;
  return 0;
}
