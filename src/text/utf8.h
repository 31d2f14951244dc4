// UTF-8, one character at a time, over bytes that may not be UTF-8 at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace frugal {

// Length in bytes of the character at text[0]; 1 for a byte that begins none or whose tail is missing or wrong.
inline size_t utf8_length(std::string_view text) {
  const unsigned char c = static_cast<unsigned char>(text[0]);
  const size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? (c < 0xf0 ? 3 : 1) : c >= 0xc2 ? 2 : 1;
  if (n > text.size()) return 1;
  for (size_t i = 1; i < n; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  if (n == 3 && c == 0xe0 && static_cast<unsigned char>(text[1]) < 0xa0) return 1;
  if (n == 3 && c == 0xed && static_cast<unsigned char>(text[1]) >= 0xa0) return 1;
  if (n == 4 && c == 0xf0 && static_cast<unsigned char>(text[1]) < 0x90) return 1;
  if (n == 4 && c == 0xf4 && static_cast<unsigned char>(text[1]) >= 0x90) return 1;
  return n;
}

// Bytes at the end of text that begin a character whose rest is still to come.
inline size_t utf8_incomplete_tail(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const unsigned char c = static_cast<unsigned char>(text[text.size() - back]);
    if ((c & 0xc0) == 0x80) continue;
    const size_t need = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 1;
    return need > back ? back : 0;
  }
  return 0;
}

inline void append_utf8(uint32_t c, std::string& out) {
  auto put = [&](uint32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xc0 | (c >> 6)), put(0x80 | (c & 63));
  if (c < 0x10000) return put(0xe0 | (c >> 12)), put(0x80 | ((c >> 6) & 63)), put(0x80 | (c & 63));
  put(0xf0 | (c >> 18)), put(0x80 | ((c >> 12) & 63)), put(0x80 | ((c >> 6) & 63)), put(0x80 | (c & 63));
}

inline uint32_t decode_utf8(std::string_view c) {  // one whole character
  const auto b = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(c[i])); };
  if (c.size() == 1) return b(0);
  if (c.size() == 2) return ((b(0) & 31) << 6) | (b(1) & 63);
  if (c.size() == 3) return ((b(0) & 15) << 12) | ((b(1) & 63) << 6) | (b(2) & 63);
  return ((b(0) & 7) << 18) | ((b(1) & 63) << 12) | ((b(2) & 63) << 6) | (b(3) & 63);
}

}  // namespace frugal
