// Base64 (RFC 4648) to bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace frugal {

// False when text is not base64; padding may be missing.
inline bool from_base64(std::string_view text, std::string& out) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  uint32_t bits = 0;
  int count = 0;
  out.clear();
  for (char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) out += static_cast<char>(bits >> (count -= 8));
  }
  return count < 6;
}

}  // namespace frugal
