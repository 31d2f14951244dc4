// A bounds-checked cursor over bytes that nobody vouches for.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <type_traits>

#include "base/error.h"

namespace frugal {

class ByteReader {
 public:
  // part and where begin every error: "[gguf] model.gguf: ...".
  ByteReader(std::span<const std::byte> bytes, const char* part, std::string where)
      : bytes_(bytes), part_(part), where_(std::move(where)) {}

  size_t offset() const { return offset_; }
  size_t left() const { return bytes_.size() - offset_; }

  // Throws Error unless count items of size bytes each still lie ahead.
  void need(uint64_t count, size_t size, const char* what) const {
    if (size != 0 && count > left() / size)
      fail(ErrorCode::kBadInput, part_, "{}: {} at byte {} needs {} x {} bytes, {} are left", where_, what, offset_,
           count, size, left());
  }
  template <typename T>
  T number(const char* what) {
    static_assert(std::is_trivially_copyable_v<T>);
    need(1, sizeof(T), what);
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }
  std::string text(uint64_t length, const char* what) {
    need(length, 1, what);
    std::string s(reinterpret_cast<const char*>(bytes_.data() + offset_), static_cast<size_t>(length));
    offset_ += static_cast<size_t>(length);
    return s;
  }
  void skip(uint64_t count, const char* what) {
    need(count, 1, what);
    offset_ += static_cast<size_t>(count);
  }

 private:
  std::span<const std::byte> bytes_;
  const char* part_;
  std::string where_;
  size_t offset_ = 0;
};

}  // namespace frugal
