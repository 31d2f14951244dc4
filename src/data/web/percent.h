// Percent-encoding by the URL standard's sets of characters (https://url.spec.whatwg.org, section 1.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace frugal::data {

// What is written as %XX; every set holds the controls and all bytes above 0x7e.
enum class EncodeSet : uint8_t {
  kControl = 1,
  kFragment = 2,
  kQuery = 4,
  kSpecialQuery = 8,
  kPath = 16,
  kUser = 32,
  kAll = 64  // every byte
};

// Appends text; hexadecimal digits in upper case. A % stays as it is.
void percent_encode(std::string_view text, EncodeSet set, std::string& out);

// Bytes for %XX; what is no such triple stays.
std::string percent_decode(std::string_view text);

int hex_digit(char c);  // its value, or -1

}  // namespace frugal::data
