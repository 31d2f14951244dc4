// Web archives from anywhere: records, HTTP messages, character sets. Every record that comes lies inside the input.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "data/web/warc.h"

namespace {

using namespace frugal::data;

class MemoryStream : public ByteStream {
 public:
  MemoryStream(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}
  size_t read(char* to, size_t room, Faults&) override {
    const size_t n = std::min({room, static_cast<size_t>(end_ - at_), size_t{1000}});
    std::copy(at_, at_ + n, to);
    at_ += n;
    return n;
  }

 private:
  const uint8_t *at_, *end_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Faults faults;
  WarcCutter cutter(std::make_unique<MemoryStream>(data, size), 1 << 20);
  WarcRecord record;
  while (cutter.next(record, faults)) {
    HttpMessage http;
    std::string room;
    if (read_http(record.body, 1 << 20, http, room, faults))
      to_utf8(http.body, header_field(http.header, "Content-Type"));
  }
  return 0;
}
