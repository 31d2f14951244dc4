#include "data/web/percent.h"

#include <array>

namespace frugal::data {
namespace {

constexpr std::array<uint8_t, 256> encoded_by() {
  std::array<uint8_t, 256> sets{};
  const auto add = [&sets](const char* list, int which) {
    for (; *list != '\0'; ++list) sets[static_cast<unsigned char>(*list)] |= static_cast<uint8_t>(which);
  };
  for (size_t c = 0; c < sets.size(); ++c) sets[c] = c < 0x20 || c > 0x7e ? 127 : 64;
  add(" \"<>", 2 | 4 | 8 | 16 | 32);
  add("`", 2 | 16 | 32);
  add("#", 4 | 8 | 16 | 32);
  add("'", 8);
  add("?^{}", 16 | 32);
  add("/:;=@[\\]|", 32);
  return sets;
}
constexpr std::array<uint8_t, 256> kEncodedBy = encoded_by();

}  // namespace

int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

void percent_encode(std::string_view text, EncodeSet set, std::string& out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  size_t plain = 0;  // where the run of characters that stay began
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((kEncodedBy[c] & static_cast<uint8_t>(set)) == 0) continue;
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    out += '%', out += kHex[c >> 4], out += kHex[c & 15];
  }
  out.append(text.substr(plain));
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool coded =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    out += coded ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return out;
}

}  // namespace frugal::data
