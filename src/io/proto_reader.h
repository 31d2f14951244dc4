// Protocol buffers, just enough to walk the fields of a message that nobody vouches for: every length is checked
// against the bytes that are there, and nothing is copied.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/error.h"

namespace frugal {

struct ProtoField {
  uint32_t number = 0;
  uint64_t value = 0;      // varint and fixed fields
  std::string_view bytes;  // length-delimited fields: text, bytes or a message

  int32_t whole() const { return static_cast<int32_t>(value); }
  bool flag() const { return value != 0; }
  float real() const { return std::bit_cast<float>(static_cast<uint32_t>(value)); }
};

class ProtoReader {
 public:
  ProtoReader(std::string_view message, const char* part) : rest_(message), part_(part) {}

  // The next field; false at the message's end. Throws Error when the bytes are no field.
  bool next(ProtoField& f) {
    if (rest_.empty()) return false;
    const uint64_t key = varint();
    f = {};
    f.number = static_cast<uint32_t>(key >> 3);
    if (f.number == 0 || key >> 3 > 0x1fffffff)
      fail(ErrorCode::kBadInput, part_, "field number {} in a protocol buffer", key >> 3);
    switch (key & 7) {
      case 0: f.value = varint(); break;
      case 1: f.value = fixed(8); break;
      case 2: f.bytes = take(varint()); break;
      case 5: f.value = fixed(4); break;
      default: fail(ErrorCode::kBadInput, part_, "wire type {} in a protocol buffer", key & 7);
    }
    return true;
  }

 private:
  std::string_view take(uint64_t n) {
    if (n > rest_.size()) fail(ErrorCode::kBadInput, part_, "a field of {} bytes where {} are left", n, rest_.size());
    const std::string_view out = rest_.substr(0, static_cast<size_t>(n));
    rest_.remove_prefix(out.size());
    return out;
  }
  uint64_t fixed(size_t n) {
    const std::string_view bytes = take(n);
    uint64_t v = 0;
    std::memcpy(&v, bytes.data(), n);
    return v;
  }
  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto b = static_cast<unsigned char>(take(1)[0]);
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return v;
    }
    fail(ErrorCode::kBadInput, part_, "a number of more than ten bytes in a protocol buffer");
  }

  std::string_view rest_;
  const char* part_;
};

}  // namespace frugal
