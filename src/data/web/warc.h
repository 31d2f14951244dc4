// Web archives (WARC, ISO 28500:2017): records one after the other, each a header of lines, a length and that many
// bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/byte_stream.h"

namespace frugal::data {

struct WarcRecord {
  std::string_view header, body;
};

// Cuts a stream into records. What is wrong is counted and skipped up to the next "WARC/" at the start of a line: a
// length that does not end where the next record begins, a header without length, a record cut by broken packing or the
// file's end, one longer than `longest`.
class WarcCutter {
 public:
  WarcCutter(std::unique_ptr<ByteStream> stream, size_t longest) : stream_(std::move(stream)), longest_(longest) {}
  // The next whole record, valid until the next call; false at the end.
  bool next(WarcRecord& record, Faults& faults);

 private:
  bool fill(size_t bytes, Faults& faults);
  bool find_start(Faults& faults);
  size_t find_header_end(Faults& faults);
  bool skip(size_t bytes, Faults& faults);
  void check_end(Faults& faults) const;
  std::string_view left() const { return {data_.data() + at_, data_.size() - at_}; }

  std::unique_ptr<ByteStream> stream_;
  size_t longest_;
  std::vector<char> data_;
  size_t at_ = 0;
  bool ended_ = false, cut_ = false;  // cut_: the bytes to come do not follow those before
};

// The value of a field of header lines ("Name: value"), whatever the case of its name; empty when it is not there.
std::string_view header_field(std::string_view header, std::string_view name);

// An HTTP message taken apart: the body without chunks and packing.
struct HttpMessage {
  int status = 0;
  std::string_view header;
  std::string_view body;
};
// False when it is none, or (counted) packed in a way that cannot be undone. `room` holds the body where it had to be
// made.
bool read_http(std::string_view message, size_t longest, HttpMessage& out, std::string& room, Faults& faults);

// Text in UTF-8 from bytes in the character set that the HTTP header, a byte order mark or the page's own <meta> names;
// where none does, UTF-8 if that is what it is, else Windows-1252. Bytes that mean nothing become U+FFFD. A plain text
// (is_page false) may speak of <meta> and means nothing by it.
std::string to_utf8(std::string_view bytes, std::string_view charset_of_header, bool is_page = true);

}  // namespace frugal::data
